# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Keypoint classification
#
# Someone points at a location on a cat. Is it the left eye, the right eye, or the nose? Section 4 of {cite:t}`long2014` asks
# whether a single feature can answer this. Given an image and the location of a keypoint, can a linear classifier tell from the
# feature at that location which keypoint it is? If a feature only signalled that there is a cat's face somewhere in its receptive
# field, this would be impossible.

# %% tags=["parameters"]
layers: list[str] = ["conv1", "conv2", "conv3", "conv4", "conv5"]  # layers that are compared
radii: list[float] = [10.0, 20.0, 40.0, 80.0, 160.0]  # radii of SIFT: sides of its bins, in pixels
C: float = 1e-6  # regularisation parameter of the SVMs, as in the paper
Cs: list[float] = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4]  # values of C compared on the category in shown
folds: int = 5  # number of folds of the cross validation
average: str = "keypoints"  # keypoints: accuracy over all keypoints; types: mean over their types
rectified: bool = False  # take the outputs of convolution layers after rectification, not before
frame: str = "box"  # what is warped to a square: the box of the object, or the whole image
size: int = 227  # side of the object crops, in pixels
category: str = ""  # a single category; empty: all categories
shown: str = "cat"  # category shown in the paper's Figures 4 and 5
pointed: list[str] = ["L_Eye", "Nose"]  # keypoints of this category shown in the paper's Figure 4
localised: int = 40  # objects of this category in the study of localisation
others: int = 8  # number of other categories in the study of localisation
localised_others: int = 3  # objects of each of these other categories
chosen: int = 10  # number of categories on which the best features are chosen
seed: int = 0  # seed for drawing subsets of the training images
data_root: str = ""  # folder of a dataset in the layout of VOC 2011; empty: the figurines
difficult: bool = True  # use objects that VOC marks as difficult
truncated: bool = True  # use objects that VOC marks as truncated
weights: str = ""  # file with the weights of a network, or timm:NAME@FILE; empty: the figurine network

# %%
from corrlib.experiments import classification
from corrlib.publishing import page

data, network, settings = page.setup(globals(), classification.Settings)

# %%
from corrlib.publishing import scoreboard, tables

photos = scoreboard.recorded("classification")
recorded = {name: tables.formatted(value) for name, value in photos.values["means"].items()}
page.text(f"""
**The answer here.** On the paper's photographs (three categories), a linear classifier of `conv4` features names {recorded["conv4"]} % of the keypoints
correctly, and one of SIFT features (radius 40) names {recorded["SIFT 40"]} %. Results on {data.name} follow, and the takeaway at the end
sums them up.
""")

# %% [markdown]
# The feature of a layer is the column of outputs of the unit whose receptive field centre is nearest to the keypoint. SIFT
# {cite:p}`lowe1999` is computed at the keypoint itself, so its location is more precise, as the paper remarks. Where the paper is
# silent, this chapter makes the following choices:
#
# - The bounding box, or with `frame=image` the whole image, is warped to a square of 227 pixels (`size`). SIFT's *radius* is the side of
#   one of its $4 \times 4$ bins, and the image is not smoothed beforehand, as in VLFeat's dense SIFT {cite:p}`vedaldi2008`.
# - Outputs of convolution layers are taken before rectification, unless `rectified` is set. The paper's numbers [are nearer to
#   these](#table-rectification).
# - Each type of feature is multiplied by one number so that its root mean square norm over the keypoints of the training set
#   is 512, the norm of SIFT. (The norm is measured in boxes, also if whole images are classified.) This makes the paper's $C$ meaningful for all features.
# - For each keypoint of a category, a linear SVM with squared hinge loss separates it from the category's other keypoints. The
#   keypoint with the highest score is predicted. The intercept is the weight of a constant feature of 512.
# - Accuracy is the share of a category's keypoints that are correctly classified, averaged over categories. (In sections 3 and 5 of the paper,
#   accuracy is first averaged over keypoint types. For this section the paper does not say so, and its numbers are nearer to those
#   of the plain share; `average=types` gives the other.) A type without a training example counts as wrong.

# %%
counts = {
    split: sum(classification.keypoints(data, name, split).visible.sum() for name in settings.categories)
    for split in ("train", "val")
}
page.text(f"""
There are {counts["train"]:,} visible keypoints for training and {counts["val"]:,} validation keypoints to classify (categories: {len(settings.categories)}).
""")

# %% [markdown]
# ## The choice of C
#
# The paper sets $C = 10^{-6}$ "based on five-fold cross validation on the training set". Here the training set is split into folds
# by *image*, so that all keypoints of an object are in the same fold. A category with fewer images than folds has as many folds as
# images.

# %%
from corrlib.publishing import plots

trained, curves = classification.validate(data, network, settings)
best_C = {
    name: classification.best_C([curves[feature] for feature in features], settings.Cs)
    for name, features in {"convnet": layers, "sift": settings.sift}.items()
}
page.figure(
    "validation",
    plots.validation(settings, curves),
    f"""*The paper's Figure 5* on {data.name}: accuracy of {settings.shown} keypoints against C in {folds}-fold cross validation on train, (a) for layers of
    the network and (b) for SIFT of several radii. The dashed line is the C of Table 3, {C:g}.""",
    alt=f"""Two panels of cross validation accuracy against C on a logarithmic axis. On the left is a curve for each convolution layer, on the right a
    curve for each radius of SIFT, with a dashed vertical line at the C that is used, {C:g}. On average the layers are best at {best_C["convnet"]:g},
    the radii at {best_C["sift"]:g}.""",
)

# %%
best = classification.best_features(trained, settings)
page.text(f"""
As in the paper's figure, and to save time, all values of $C$ are compared for one category only, {settings.shown}. Averaged over the layers, the best value is
{best_C["convnet"]:g}; averaged over the radii of SIFT, it is {best_C["sift"]:g}. At the $C$ of Table 3, the cross validation covers
{len(settings.validated_categories)} of the {len(settings.categories)} categories. Its accuracy, which is measured on the training set, selects {best["convnet"]} as
the best layer and {best["sift"]} as the best radius for the comparison below. (If they were selected on the validation set, selection bias would be part of the difference.)
""")

# %% [markdown]
# ## Keypoint classification (the paper's Table 3)

# %%
predicted = classification.classify(data, network, settings, [*settings.features, *settings.smoothed])
accuracy = {feature: classification.accuracy(predicted[feature], settings) for feature in settings.features}
page.table(
    "naming",
    tables.naming(accuracy),
    f"""*The paper's Table 3*: accuracy of keypoint classification in percent. In each cell, the upper number is ours on {data.name} (network
    {network.name}) and the lower one is published (PASCAL VOC 2011). Of our numbers, the best SIFT and the best layer of each row, before rounding, are bold.
    {tables.apart(data.name, "features")}""",
)

# %%
means = {feature: classification.mean_accuracy(each, settings) for feature, each in predicted.items()}
page.table(
    "naming-photos",
    tables.naming(photos.values["accuracy"]),
    """*The paper's own photographs* (three categories of PASCAL VOC 2011, see the [scoreboard](scoreboard)): accuracy in percent, recorded by this chapter
    (above) and published (below).""",
    source=photos.source,
)
page.table(
    "naming-means",
    tables.naming_means(means, trained, curves, settings, photos.values),
    f"""*Means over categories* in percent: as published (over twenty categories, and over those of the photographs), on {data.name}, and as recorded on
    photographs (voc2011), with 95 % bootstrap intervals. The last columns are from cross validation on train ({data.name}): the mean accuracy on
    {len(settings.validated_categories)} of the categories at the C of the paper's Table 3, {C:g}; and for {settings.shown} the best of the compared values of C, and its gain in points.
    *Smoothed* SIFT is explained below.""",
)

# %%
smoothed = settings.smoothed[settings.sift.index(best["sift"])]
gain = classification.mean_accuracy(predicted[best["sift"]], settings, minus=predicted[smoothed])
page.text(f"""
The paper does not say how much an image is smoothed before SIFT, or what a radius measures. Lowe's scale space smooths by a third of a bin. This removes fine
structure, some of which may distinguish keypoints. Without smoothing, the accuracy of {best["sift"]} is {tables.formatted(abs(gain[0]), ".1f")} points {"higher" if gain[0] > 0 else "lower"} (interval of the difference: {gain[1]:+.1f} to {gain[2]:+.1f}).
{tables.radius_in_words(photos.values)}
""")

# %% [markdown]
# ## Fine localisation
#
# A classifier can be correct at the true location of a keypoint and still be insensitive to that location. The paper therefore
# evaluates the classifiers "with a single-pixel stride around ground truth keypoint locations" and histograms the locations of
# the maximum responses in a window of $21 \times 21$ pixels. If a classifier is sensitive to location, the maxima concentrate at
# the centre. Maxima on the border of the window are dropped, because the response may rise further outside the window.
#
# A layer has a feature only every few pixels. To obtain one at every pixel, each layer is evaluated at stride one, with its
# filters dilated by the strides before it (*à trous*). One pass gives the same features as 441 shifted crops would. The
# classifiers were trained to tell keypoints from each other, at units up to half a stride away. They were not trained to tell a
# keypoint from its surroundings, and so they were not trained to localise.

# %%
peaks = classification.peaks(data, network, settings)
located = classification.localisation(peaks)
strides = {name: network.receptive_fields[name].stride for name in layers}
page.figure(
    "peaks",
    plots.peaks(classification.histograms(peaks, settings), strides),
    f"""*The paper's Figure 4* on {data.name}. Each histogram shows where the classifier of a keypoint responds most in the $21 \\times 21$ pixels around
    the true location (cross), in cells of $3 \\times 3$ pixels: the percentage of the n windows, on one scale for all histograms (grey grows with its square root). Windows whose maximum
    is on the border are not drawn; *inside* is the share of the others. The square has the side of the layer's stride. Maxima that fill it show
    localisation no finer than the stride, maxima at its centre a finer one. Above are two keypoints of {settings.shown} ({localised} objects), as in the
    paper; below is the mean over the categories of the next table, each with the same weight (in that table, images have the same
    weight).""",
    alt=f"""Histograms of the locations of maximum responses in windows of 21 by 21 pixels, in coarse cells: a row for each of two keypoints of
    {settings.shown} and one for all keypoints, and a column for each feature, first SIFT, then the layers, with a square as large as the layer's stride.
    A cross marks the true location in the middle of each. {located["inside"]:,} windows were evaluated.""",
)

# %%
page.table(
    "localisation",
    tables.localisation(located),
    f"""*Localisation in numbers* on {data.name}: the share of maxima on the border of the window, which are dropped; the number of the other maxima (*kept*),
    and their median distance from the keypoint; and the share of these within 2 px (half the stride of conv1), 4 px (conv2) and 8 px (conv3 to conv5), as means over images with 95 %
    bootstrap intervals, which are too narrow where few maxima are kept or a share is near zero. The last row is a location drawn uniformly from the window without its border. Of {located["total"]:,} validation keypoints,
    {located["inside"]:,} have a window. To save time, they come from up to {localised} objects of {settings.shown} and {localised_others} of each of
    {len(settings.other_categories)} other categories. Crops are extended by {classification.MARGIN} pixels on each side, at the same scale, so that
    keypoints on the border of their box also have a window.""",
    formats={column: ".0f" for column in ("2 px, %", "4 px, %", "8 px, %")},
)

# %%
nearer = {sign: [] for sign in (1, -1)}
for feature, each in located["features"].items():
    for sign in nearer:
        if each["kept"] and (sign * each["difference"][2][1:] > 0).all():
            nearer[sign].append(str(feature))
page.text(f"""
A larger share of the maxima than of uniform draws lies within 8 pixels for {tables.words(nearer[1])}, and a smaller share for {tables.words(nearer[-1])} (in both
cases, the whole interval of the difference is on that side). A share below that of the draw means that the response tends to rise away from the keypoint: what tells the keypoints of
an object apart need not be strongest at the keypoint itself.
""")

# %% [markdown]
# ## The paper's claims about classification
#
# Each claim is judged by the bootstrap, with the same resampled images on both sides of a difference. It is *supported* only if the
# whole interval is on its side. The last column shows the results of the same chapter on photographs. For localisation, the
# difference is between the share of maxima within 8 pixels and that of a uniform draw. Its sign is chosen so that it is positive where it
# agrees with the claim: for layers, if more maxima than uniform draws lie within 8 pixels; for SIFT, if fewer do.

# %%
fields = network.receptive_fields
every_layer = [name for name in network.layers if name in fields and fields[name].size <= size]
by_layer = classification.classify(data, network, settings, every_layer)
differences = classification.differences(predicted | by_layer, best, located, settings)
claims, caption, fared = scoreboard.beside_photos(data.name, differences, photos)
page.table("naming-claims", claims, caption)
page.text(fared)

# %% [markdown]
# ## Before or after rectification
#
# A convolution layer is followed by rectification, which sets negative outputs to zero. The paper speaks of "convolutional layer
# activations" and does not say whether they are taken before or after rectification. The next table gives the share of the outputs
# at keypoints that rectification keeps, and compares the classifiers trained on either.

# %%
lost = classification.rectification(data, network, settings)
page.table(
    "rectification",
    tables.rectification(lost, photos.values),
    f"""*Rectification* on {data.name}: the share of a layer's outputs at validation keypoints that are positive; the mean accuracy in percent before
    rectification; and by how much it exceeds the accuracy after rectification (*before \u2212 after*). On the right, the published accuracy on the categories of the recorded photographs,
    and the accuracy recorded on these photographs before and after rectification. Intervals are 95 % bootstrap intervals.""",
    formats={"positive, %": ".0f", "before \u2212 after": "+.1f"},
)
page.text(tables.rectification_in_words(photos.values))

# %%
if lost:
    most = max(lost, key=lambda name: lost[name]["gain"][0])
    helped = tables.words([name for name in lost if lost[name]["gain"][1] > 0])
    page.text(f"""
    On {data.name}, rectification costs the most in {most}: {tables.formatted(lost[most]["gain"])} points. Negative outputs help to distinguish keypoints in {helped}.
    """)

# %% [markdown]
# ## Left or right?
#
# A face is nearly its own mirror image, and so is a bus. The figure shows what the keypoints of one category are classified as. In
# the last column of the table, a left keypoint that is classified as its right counterpart, or vice versa, also counts as correct.

# %%
row = settings.categories.index(settings.shown)
confusions = {
    best[kind]: classification.confusion(predicted[best[kind]][row]) for kind in ("convnet", "sift")
}
page.figure(
    "confusion",
    plots.confusions(confusions, data.keypoint_names(settings.shown)),
    f"*Confusion matrices* for the {settings.shown} keypoints of the validation set of {data.name}, in percent of each row.",
    alt=f"""Two matrices of the keypoints of {settings.shown} in shades of blue, with true keypoints in rows and predicted ones in columns:
    {best["convnet"]} on the left, {best["sift"]} on the right. The diagonal stands out where keypoints are classified correctly.""",
)

# %%
merged = {f: classification.merged_accuracy(data, settings, predicted[f]) for f in settings.features}
page.table(
    "mirrored",
    [
        {"feature": str(f), "as they are": means[f], "left and right merged": merged[f]}
        for f in settings.features
    ],
    f"""*Left and right merged* on {data.name}: mean accuracy in percent with 95 % bootstrap intervals, as in [the table of means](#table-naming-means), and if the mirror image of a keypoint
    type also counts as correct.""",
)
page.text(tables.merged_in_words(means, merged))

# %% [markdown]
# ## Every layer, and fewer training images
#
# In general, the paper found "pooling and normalization layers to have lower performance". The first figure shows [every
# layer](#figure-layers). The second asks whether the order of the features would change with [fewer training
# images](#figure-sizes).

# %%
layer_means = {name: classification.mean_accuracy(each, settings) for name, each in by_layer.items()}
page.figure(
    "layers",
    plots.accuracy_by_layer(layer_means, {kind: means[kind] for kind in (best["sift"], smoothed)}),
    f"""*Every layer* on {data.name}: mean accuracy on the validation set with 95 % bootstrap intervals. The best SIFT, chosen on train, and its smoothed
    version are repeated in grey beside each layer.""",
    alt=f"""Mean accuracy with intervals for every convolution, pooling and normalisation layer of the network in turn, with {best["sift"]} and
    {smoothed} as grey squares beside each. {best["convnet"]}, chosen on train, has {tables.formatted(means[best["convnet"]])} %, and {best["sift"]} has
    {tables.formatted(means[best["sift"]])} %.""",
)

# %%
compared = [best["convnet"], best["sift"]]
sizes = classification.sizes(data, network, settings, compared)
page.figure(
    "sizes",
    plots.accuracy_by_share(sizes),
    f"""*Fewer training images* on {data.name}: mean accuracy on the validation set with 95 % bootstrap intervals. The images of each category are drawn
    once, and each share is a subset of the next larger one.""",
    alt=f"""Mean accuracy rising with the share of the training images, on a logarithmic axis, for {", ".join(map(str, compared))}, with bands. At the
    right end the curves are at {tables.formatted(means[best["convnet"]])} and {tables.formatted(means[best["sift"]])} %.""",
)
smallest = {name: each[0] for name, each in sizes.items()}
page.text(f"""
With {100 * classification.SHARES[0]:g} % of the images, {tables.words([f"{name} reaches {tables.formatted(each)} %" for name, each in smallest.items()])}. {tables.order_in_words(sizes)}
""")

# %% [markdown]
# ## Takeaway

# %%
score, score_sift, score_merged = means[best["convnet"]], means[best["sift"]], merged[best["convnet"]]
page.numbers({"score": score, "score-sift": score_sift, "merged": score_merged})

# %%
results = dict(categories=settings.categories, Cs=settings.Cs, shares=classification.SHARES)
results |= dict(accuracy=accuracy, means=means, train=trained, validation=curves, mirrored=merged)
results |= dict(layers=layer_means, sizes=sizes, rectification=lost, localisation=located)
page.save(results | dict(claims=differences, best={kind: str(feature) for kind, feature in best.items()}))

# %%
page.text(f"""
On {data.name}, a linear classifier of {best["convnet"]} features names {tables.formatted(score)} % of the keypoints correctly, and one of {best["sift"]} names
{tables.formatted(score_sift)} %. On the paper's photographs, `conv4` has {recorded["conv4"]} % and SIFT (radius 40) has {recorded["SIFT 40"]} %. {fared}

[Sweeps](sweeps) change several parameters at once: `corrlib sweep classification -p C=1e-7,1e-6,1e-5 --out runs/C`.
""")

# %% [markdown]
# ## Exercises
#
# A single category is enough to see most effects, and runs fast. Run the commands in the project's folder.
#
# **1. With the surroundings.** Give the classifiers the whole image instead of the box:
#
# ```bash
# corrlib run classification -p category=cat -p frame=image -o image.ipynb
# ```
#
# Which features lose accuracy, and which might gain?

# %%
from corrlib.publishing import exercises

page.text(f"""
<details>
<summary>Answer</summary>

On {data.name}, the accuracy for {settings.shown} changes from the box to the image as follows, in percent:
{exercises.framed(data, network, settings, settings.shown)}. The object is now smaller in
its crop, while the receptive fields are as large as before. Each unit therefore sees more of the object and of its surroundings. If the box covers half of
the image's side, a field covers twice as large a part of the object, more than two more layers add (conv3 to conv5: 99 to 163 pixels). Features that
see little, such as conv1 and radius 10, have the least to lose.

</details>
""")

# %% [markdown]
# **2. Too much regularisation, or too little.** Change $C$ by a factor of 100 in either direction:
#
# ```bash
# corrlib sweep classification -p category=cat -p C=1e-8,1e-6,1e-4 --out runs/C
# ```
#
# Is the same $C$ best for all layers?

# %%
accuracies = zip(settings.Cs, curves[best["convnet"]], strict=True)
by_C = ", ".join(f"{each:.1f} (C = {value:g})" for value, each in accuracies)
page.text(f"""
<details>
<summary>Answer</summary>

In cross validation on {settings.shown}, the best $C$ is {", ".join(f"{classification.best_C([curves[name]], settings.Cs):g} for {name}" for name in layers)}. The gain over {C:g} is in [the table of means](#table-naming-means).
{best["convnet"]} has {by_C} % of the keypoints right. A small $C$ keeps the weights small, so that the classifiers hardly differ from each other. A large $C$ fits each training keypoint. In
[the figure of cross validation](#figure-validation), the best value is {best_C["convnet"]:g} on average over layers, and {best_C["sift"]:g} over radii. All
features were scaled to the same norm beforehand; otherwise the same $C$ would have a different meaning for each of them.

</details>
""")

# %% [markdown]
# **3. Mirror images.** The corners of a bus look alike on both sides:
#
# ```bash
# corrlib run classification -p category=bus -p shown=bus -p pointed=L_F_Base,R_F_Base -o bus.ipynb
# ```
#
# Look at the confusion matrices, and at the table with left and right merged.

# %%
page.text(f"""
<details>
<summary>What to look for</summary>

Confusions of a corner with its mirror image lie on two lines parallel to the diagonal and well away from it, because the names of the left side come first. For {best["convnet"]} over all categories of this page, accuracy is
{tables.formatted(score)} %, and {tables.formatted(score_merged)} % if such confusions count as correct. But a bus has another symmetry, which the merged table
does not account for: seen from the other side, its left back corner is where the right front corner would be. Which of the two confusions is more frequent
in your matrix?

</details>
""")

# %% [markdown]
# **4. To think about.** A unit of `conv5` at a cat's left eye also sees the right eye and the nose. The unit at the right eye sees
# the same three parts. How can a *linear* classifier of the activations know which eye is in the middle?
#
# <details>
# <summary>An answer</summary>
#
# The weights are the same at both places, but the input is not: in one case the other eye is on one side, in the other case it is
# on the other side. The weights of a unit vary within its receptive field, so channels can respond to "something round with the
# face to its left". They were not trained for this, but such channels are useful for telling a cat from a dog by parts and their
# arrangement. A feature that only counted what is in its field would be the same at both eyes, and no classifier could tell them
# apart.
#
# </details>
