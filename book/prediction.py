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
# # Keypoints, predicted
#
# Alignment was given a neighbour, classification a place. The last experiment of {cite:t}`long2014`, in its section 5, is
# given only a box with an object in it, and asks where, say, the left eye is. A detector for each keypoint, a linear support
# vector machine, slides over the box, and the place of its highest score is the prediction. What is compared are the
# features that detectors see: those of `conv5`, and SIFT.

# %% tags=["parameters"]
layer: str = "conv5"  # whose features keypoints are found by, beside SIFT
alpha: float = 0.1  # tolerance of PCK; no detector depends on it
eta: float = 0.1  # weight of the prior, 0 to 1
etas: list[float] = [0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9]  # tried on train
sigma: float = 22.0  # standard deviation of the prior, in pixels of the crops
smoothing: float = 0.0  # of the image before SIFT, in bins
prior_layer: str = "pool5"  # whose cosine finds the neighbour that the prior comes from
prior_size: int = 500  # side in pixels of the crops that it is computed on
prior_missing: str = "any"  # place is as likely where it lacks a keypoint; or next: another neighbour's
calibrated: bool = True  # scores become probabilities by fitted logistics; false: by the plain one
context: int = 3  # side of the windows of units that are joined to one feature
stride: int | None = None  # pixels between predictions by the layer; none: its own
C: float = 1e-6  # of the support vector machines
rounds: int = 200  # of hard negative mining, at most
size: int = 500  # side of the crops that boxes are warped to
studied: int = 4  # objects per category that strides are compared on
category: str = ""  # a single category; empty: all
seed: int = 0  # of the halves of train, and of the objects that are shown
data_root: str = ""  # a dataset like VOC 2011; empty: figurines
difficult: bool = True  # use objects that VOC calls difficult
truncated: bool = True  # and those that it calls truncated
weights: str = ""  # a network's file; empty: the figurine network

# %%
from corrlib.experiments import prediction
from corrlib.publishing import page

data, network, settings = page.setup(globals(), prediction.Settings)

# %% [markdown]
# ## A detector for each keypoint

# %%
from corrlib.data import crops

train, val = (sum(len(crops.objects(data, c, s)) for c in settings.categories) for s in ("train", "val"))
field, (rows, columns) = prediction.grid(network, layer, size=size, context=context)
_, (sift_rows, sift_columns) = prediction.grid(network, prediction.SIFT, size=size)

page.text(f"""
The {train:,} training objects are learned from, and the keypoints of the {val:,} validation objects are predicted. Boxes are warped
to {size} x {size} pixels. The features of {context} x {context} neighbouring units of {layer} are joined, so that each covers {field.size} pixels, and
there is one every {field.stride} pixels: a grid of {rows} x {columns}. SIFT has bins of 8 pixels and one descriptor every 8: a grid of
{sift_rows} x {sift_columns}.
""")

# %% [markdown]
# For each keypoint a linear SVM learns to separate features at the keypoint from all others. Of the layer, the ten features
# closest to the keypoint are positive, and those whose receptive fields do not contain it are negative; of SIFT, those within
# 16 pixels, and those at least 32 pixels away. Every image has hundreds of negatives, most of which are rejected soon and
# teach nothing more. *Hard negative mining* looks for those that the detector does not yet reject. A round of mining evaluates
# all windows of all images, as one matrix product for all keypoints of a category, and moves the detectors away from the hard
# negatives. As no window is ever left out, each round also bounds how far the objective is above its minimum over all
# windows; mining ends when this is a thousandth of the objective.
#
# Where the paper is silent, the numbers below mean this:
#
# - Features of a kind are multiplied by one number, so that their root mean square norm in the category is 512. The loss is
#   the squared hinge, and $C$ has the paper's value, as in section 4.
# - Windows at the border see zeros beyond the crop, as the network's own layers do, so every unit has a window.
# - An object whose keypoint is invisible gives neither positives nor negatives: the keypoint may be there, behind something,
#   and nobody has marked where.

# %%
mining = prediction.mining(data, network, settings)


def mined(method):
    it = mining[method]
    return f"""at most {it["rounds"]} rounds for each of the {it["detectors"]} detectors of {method}, whose objectives are within
{100 * it["largest gap"]:.2g} % of their minima. Of the about {it["windows"]:,.0f} windows in the training crops of a category, {it["hard"]:,.0f} (the median)
are inside a detector's margin in the end, and determine it."""


page.text("\n\n".join(f"Mining took {mined(method)}" for method in mining))

# %% [markdown]
# ## A prior from the nearest neighbour
#
# A detector knows what an eye looks like, but not that the eyes of a cat are at its top. The paper adds a Gaussian prior $p$
# of standard deviation `sigma`, centred where the nearest training neighbour has the keypoint: the nearest by the cosine of
# `pool5`, of the same crops. Where this neighbour lacks the keypoint, there is no prior. With the detector's score $s$, the
# prediction is the place that maximises
#
# $$f = s^{1 - \eta} p^\eta$$
#
# For this $s$ has to be a probability. The training set is divided into two halves, by image; each half is scored by detectors
# of the other, and a logistic function {cite:p}`platt1999` is fitted to these scores of positives and negatives. All is
# computed in logarithms: far from its mean, $p$ is too small for a floating point number.
#
# The same scores choose $\eta$, which the paper sets "by cross validation".

# %%
from corrlib.publishing import plots

best, validated = prediction.validate(data, network, settings)
page.figure(
    "eta",
    plots.validated_eta(settings, validated),
    f"""*Cross validation of eta* on {data.name}: mean PCK of held out training objects at alpha = 0.1, whatever the parameter, with 95 % bootstrap
    intervals. At the left are detectors alone; towards 1 only the prior would be left. The best eta is {best[layer]:g} for {layer} and
    {best["SIFT"]:g} for SIFT. The detectors of each half stop within {100 * prediction.HELD_OUT_GAP:g} % of their minima.""",
    alt=f"""Mean PCK of held out training objects against eta from 0 to {max(etas):g}, a curve with its band for {layer} and one for SIFT, and a broken
    vertical line at the paper's eta. The first is highest at {best[layer]:g}, the other at {best["SIFT"]:g}.""",
)

# %% [markdown]
# ## Table 4
#
# Each method predicts a keypoint at the place of its grid where the score is highest. Only visible keypoints are scored. A
# prediction is correct if it is closer to the truth than $\alpha$ times the longer side of the box, in the image. Accuracy is
# averaged over the types of keypoint of a category, then over categories.

# %%
from corrlib import metrics
from corrlib.publishing import tables

errors = prediction.errors(data, network, settings, best)
pck = {method: metrics.by_category(errors[method], settings.categories, alpha) for method in settings.methods}
page.table(
    "prediction",
    tables.by_category(pck, "table4" * (alpha == 0.1)),
    f"""*The paper's Table 4*: PCK of predicted keypoints in percent, as published (PASCAL VOC 2011, alpha = 0.1) and on {data.name}
    (alpha = {alpha:g}). These are different datasets unless ours is voc2011: compare methods, not numbers.""",
)

# %%
means = {method: metrics.estimate(each, settings.alphas) for method, each in errors.items()}
page.table(
    "prediction-means",
    tables.prediction_means(means, settings.alphas),
    f"""*Means over categories* at each tolerance, published and on {data.name}: mean PCK in percent with 95 % bootstrap intervals. The prior has the
    weight eta = {eta:g} or, where that is said, the one chosen above ({best[layer]:g} for {layer}, {best["SIFT"]:g} for SIFT). *Prior alone* copies the
    neighbour's keypoint; it is not in the paper.""",
)

# %% [markdown]
# How much is the prior alone? And why is it strong? `pool5` is a map that still says what is where, so the nearest neighbour by it should have the same
# pose. `fc7` says what there is, in whatever pose. If this is the reason, copying from neighbours by `fc7` must be worse.

# %%
prior, by_fc7 = "prior alone", "prior alone, by fc7"
over = metrics.estimate(errors[layer], [alpha], minus=errors[prior])
found = "This network has no `fc7` to find neighbours by."
if by_fc7 in errors:
    verdict = metrics.judge(metrics.estimate(errors[prior], [alpha], minus=errors[by_fc7]))
    found = f"""By `fc7` it would be {tables.formatted(100 * metrics.estimate(errors[by_fc7], [alpha])[0])} %. That `pool5` finds better
    neighbours for this purpose is {verdict}."""
page.text(f"""
The prior alone is correct for {tables.formatted(100 * metrics.estimate(errors[prior], [alpha])[0])} % of the keypoints (alpha = {alpha:g}). The detectors of {layer}
without it differ from that by {tables.formatted(100 * over[0], "+.1f")} points; that they are better is {metrics.judge(over)}. {found}
""")

# %%
at_alpha = {method: 100 * each[settings.alphas.index(alpha)] for method, each in means.items()}
reported = f"{layer}+prior"
page.figure(
    "prediction-pck",
    plots.predicted_pck({method: errors[method] for method in settings.methods}),
    f"*PCK at every tolerance* on {data.name}, with 95 % bootstrap intervals.",
    alt=f"""Mean PCK rising with alpha for SIFT, SIFT with the prior, {layer}, and {layer} with the prior, with bands, and a broken vertical line at the
    paper's alpha. At alpha = {alpha:g}, {layer} with the prior has {at_alpha[reported][0]:.1f} %.""",
)

# %% [markdown]
# ## What the paper must have done
#
# As in [alignment](alignment), each choice that the text leaves open is changed alone, on the paper's own photographs, and the
# outcome compared with the published Table 4: four methods in each category. The chapter's readings follow the words of the
# paper, and among those come near its numbers.

# %%
from corrlib.publishing import scoreboard

photos = scoreboard.recorded("prediction")
own = data.name == "voc2011"
read_rows = prediction.readings(data, network, settings) if own else photos.values["readings"]
page.table(
    "prediction-readings",
    tables.readings(read_rows, "table4"),
    """*Readings of section 5* on photographs of PASCAL VOC 2011: mean PCK in percent at alpha = 0.1, and the mean distance from the published numbers, in
    points. The chapter's readings are bold.""",
    source="" if own else photos.source,
)
page.text(tables.readings_in_words(read_rows, "table4"))

# %% [markdown]
# ## What it looks like

# %%
page.figure(
    "predicted",
    plots.predicted(prediction.examples(data, network, settings)),
    f"""*The paper's Figure 6* on {data.name} ({", ".join(prediction.shown(settings))}; validation objects drawn at random from the half with most visible
    keypoints). A keypoint has one number and one colour in a row. Discs are within alpha = {alpha:g} of the truth, crosses are not.""",
    alt=f"""For each object, warped to a square, three images: its own keypoints, each with a number that a legend names; what SIFT with the prior
    predicts; and what {layer} with the prior predicts: discs with the same numbers where they are correct, and crosses where they are wrong.""",
)

# %% [markdown]
# ## Finer strides
#
# "A small offset can be noticed for some keypoints", the paper notes, "likely due to the limited stride of our scanning
# windows. A final regression or finer stride could mitigate this issue." The detectors of [Table 4](#table-prediction) can
# slide in smaller steps without being trained again: the crop is cut a few pixels further to the right and further down,
# passed through the network once more, and the grids of all passes are interleaved. The table compares this with an oracle
# that always predicts the place of the grid that is closest to the truth: the most that a stride allows.

# %%
by_stride = prediction.by_stride(data, network, settings)
strides = {
    method: {pixels: metrics.estimate(each, prediction.ALPHAS) for pixels, each in by_pixels.items()}
    for method, by_pixels in by_stride.items()
}
page.table(
    "strides",
    tables.strides(strides),
    f"""*Finer strides of {layer}* on {data.name} ({studied} validation objects per category): mean PCK in percent with 95 % bootstrap intervals.
    *Best place* is the oracle.""",
)

# %%
gained = prediction.stride_gain(by_stride[reported])
page.table(
    "gained",
    tables.gained(gained),
    f"""*Is a stride of {min(by_stride[reported])} pixels better than {field.stride}?* Difference in mean PCK of {layer} with the prior, in points, on the
    same objects of {data.name}, with its 95 % bootstrap interval, and the verdict.""",
    formats="+.1f",
)

# %%
page.text(f"""
Whatever is missing in a row from the best places of the same stride is not due to the stride: the detector prefers another place. (The best places
themselves miss keypoints near the border: the first unit is centred {field.center + 0.5:g} pixels from it.)
""")

# %% [markdown]
# ## What the paper claims of prediction
#
# "Local part detectors trained on the `conv5` feature outperform SIFT by a large margin", the paper says, and "the prior
# information is helpful in both cases". Each claim is judged by the bootstrap, with the same resampled images for both methods:
# it is *supported* only where the whole interval is on its side. Three claims are not in the paper: whether detectors add
# anything to copying the neighbour, and whether convnet features stay ahead at stricter tolerances. Beside it is the same chapter, executed on photographs.

# %%
differences = prediction.differences(errors, by_stride[reported], settings)
claims, caption, fared = scoreboard.beside_photos(data.name, differences, photos)
page.table("prediction-claims", claims, caption)
page.text(fared)

# %%
page.table(
    "prediction-photos",
    tables.by_category(photos.values["pck"], "table4", photos.values["means"]),
    f"""*The paper's own photographs* ({photos.description}): PCK in percent at alpha = 0.1 of {photos.values["objects"]:,} objects, published and
    recorded by this chapter (eta = {photos.parameters["eta"]:g}), with 95 % bootstrap intervals.""",
    source=photos.source,
)

# %% [markdown]
# ## Takeaway

# %%
page.numbers({"score": at_alpha[reported]})
at_all = zip(settings.alphas, 100 * means[reported], strict=True)
page.numbers({f"{each:g}": value for each, value in at_all}, prefix="score")
page.numbers({method.replace("+", "-"): at_alpha[method] for method in settings.methods}, prefix="pck")

# %%
ceilings = strides["best place"]
by_method = {method: strides[method] for method in (layer, reported)}
results = dict(objects=val, alphas=settings.alphas, eta=best, etas=etas, validated=validated)
results |= dict(mining=mining, pck=pck, means=means, readings=read_rows, claims=differences)
results |= dict(gained=gained, strides=by_method, ceilings=ceilings)
page.save(results)

# %%
recorded = [
    f"{name} has {tables.formatted([100 * v for v in each[0]])} %"
    for name, each in photos.values["means"].items()
]
page.text(f"""
{reported} at a stride of {settings.stride} pixels and alpha = {alpha:g} on {data.name}: mean PCK {tables.formatted(at_alpha[reported])} %. On the
paper's photographs, at 0.1, {", ".join(recorded)}. {fared}

Other values of `alpha`, `eta` and `sigma` reuse every detector of this run; [sweeps](sweeps) change several parameters at once:
`corrlib sweep prediction -p layer=conv4,conv5 -p alpha=0.05,0.1 --out runs/predict`.
""")

# %% [markdown]
# ## Exercises
#
# One category is enough to see most effects, and fast. Run the commands in the project's folder.
#
# **1. Turn the prior up.** From detectors alone to little but the prior:
#
# ```bash
# corrlib sweep prediction -p category=cat -p eta=0,0.1,0.5,0.9 --out runs/eta
# ```
#
# Where is the best mixture, and how much worse are the values next to it?

# %%
page.text(f"""
<details>
<summary>What to look for</summary>

In this chapter, on held out training objects, the best is {best[layer]:g} for {layer} and {best["SIFT"]:g} for SIFT (see
[the validation](#figure-eta)). The better a detector, the less it should need the prior. If a curve is flat between two values, $\\eta$ hardly matters
there, whichever of them is the best.

</details>
""")

# %%
page.text(f"""
**2. Less context.** One unit in place of {context} x {context}:

```bash
corrlib run prediction -p category=cat -p context=1 -o context.ipynb
```

The paper does not say what the context is good for. What is lost without it?

<details>
<summary>What to look for</summary>

A feature covers a smaller area (with context, {field.size} pixels) and has fewer numbers: a ninth of those of 3 x 3 units. What context adds is mostly
not area but *arrangement*: which unit has seen what. Compare detectors without the prior, since a strong prior hides much of the difference.

</details>
""")

# %% [markdown]
# **3. A narrower prior.** Half of the paper's standard deviation, and twice:
#
# ```bash
# corrlib sweep prediction -p category=cat -p sigma=11,22,44 --out runs/sigma
# ```
#
# Which of them would you choose without any experiment?

# %%
page.text(f"""
<details>
<summary>What to look for</summary>

At $\\alpha$ = {alpha:g} a keypoint of a square object may be {alpha * size / sigma:.1f} standard deviations of {sigma:g} pixels away from its neighbour's,
and copying would still be correct. A prior should be about as wide as the errors of the neighbours. As $\\eta$ is chosen anew for each, a wide prior with
a large weight can come to the same as a narrow one with a small weight.

</details>
""")

# %%
page.text(f"""
**4. To think about.** Copying the neighbour's keypoints, without any detector, is correct in {tables.formatted(at_alpha["prior alone"])} % of cases here;
{layer} with the prior in {tables.formatted(at_alpha[reported])} %. Can you describe a category for which copying must fail and detectors need not?

<details>
<summary>An answer</summary>

One whose objects take poses that no training object has: an octopus, a person at gymnastics, a bicycle that lies on the ground. Copying needs *one*
neighbour that is right everywhere at once; detectors need each part to have been seen somewhere. With more training images copying gains, as nearer
neighbours turn up: rigid objects in few views favour it, and figurines are such objects. Which categories of [Table 4](#table-prediction) gain most by the
detectors?

</details>
""")
