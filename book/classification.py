# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Naming a part
#
# Someone points at a place on a cat. Is it the left eye, the right eye, or the nose? Section 4 of {cite:t}`long2014`
# asks this of a single feature: given an image and the place of a keypoint, can a linear classifier tell from the
# feature at that place which keypoint it is? A feature that only knew that there is a cat's face somewhere in its
# receptive field could not.
#
# The parameters of this chapter:

# %% tags=["parameters"]
layers: list[str] = ["conv1", "conv2", "conv3", "conv4", "conv5"]
radii: list[float] = [10.0, 20.0, 40.0, 80.0, 160.0]  # of SIFT, in pixels
C: float = 1e-6  # of the SVMs, the paper's
Cs: list[float] = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4]  # tried for the category shown
folds: int = 5  # of the training images
frame: str = "box"  # what is warped to a square: the box, or the whole image
size: int = 227  # side of the squares
category: str = ""  # a single one; none: all
shown: str = "cat"  # the category of Figures 4 and 5
pointed: list[str] = ["L_Eye", "Nose"]  # its keypoints in Figure 4
localised: int = 40  # its instances that are looked at pixel by pixel
others: int = 8  # and one of each of so many other categories
chosen: int = 10  # categories that the best features are chosen by
seed: int = 0  # of the training images that are left out
data_root: str = ""  # a data set like VOC 2011; none: figurines
difficult: bool = True  # whether objects are used that VOC calls difficult
truncated: bool = True  # and those that it calls truncated
weights: str = ""  # a network's file; none: the figurine network

# %% tags=["hide-input"]
import time

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown
from myst_nb import glue

from corrlib import cache, convnet, experiments
from corrlib.data import crops, open_dataset
from corrlib.experiments.classification import claims, fine, keypoints, report, scores, studies, training
from corrlib.experiments.classification.claims import label
from corrlib.publishing import plots, tables

started = time.perf_counter()
data = open_dataset(data_root, difficult=difficult, truncated=truncated)
network = convnet.load(weights or None)
glue("origin", experiments.origin(data, network), display=False)
categories = [category] if category else list(data.categories)
world, square = (data, network, categories), keypoints.Square(frame, size)
shown = shown if shown in categories else categories[0]
where = categories.index(shown)
spread = [categories[n] for n in crops.spread(len(categories))]
trial, rest = spread[:chosen], [name for name in spread if name != shown][:others]
sharp = list(keypoints.SHARP)
features, titles = [*radii, *layers], {"convnet": "convnet layers", "sift": "SIFT, by radius"}
counts = {s: sum(len(keypoints.keypoints(data, c, s).kind) for c in categories) for s in ("train", "val")}
record = cache.read_result(tables.project() / "results" / "photos-classification.json")
photos, about = record["values"], record["provenance"]
texts = dict(tier=data.name, network=network.name, folds=folds, size=size, frame=frame, shown=shown)
texts |= {f"count-{split}": f"{count:,}" for split, count in counts.items()}
texts |= {"photos-network": about["network"], "photos-set": about["photographs"], "localised": localised}
texts |= {"margin": fine.MARGIN, "bare": f"{sharp[0][1]:g}", "categories": len(categories), "C": f"{C:g}"}
texts |= {"others": len(rest), "trial": len(trial)}
for name, value in texts.items():
    glue(name, value, display=False)

# %% [markdown]
# Data tier: **{glue:text}`tier`**; network: **{glue:text}`network`**; {glue:text}`count-train` visible keypoints of
# {glue:text}`categories` categories to train on, {glue:text}`count-val` of val to be named.
#
# Of a layer, the feature is the column of activations whose receptive field has its centre nearest to the keypoint. SIFT
# {cite:p}`lowe1999` is described at the keypoint itself, so it is the more precisely placed of the two, as the paper
# remarks. Where the paper is silent, this is what the numbers below mean:
#
# - What is warped to squares of {glue:text}`size` pixels: the {glue:text}`frame`. A *radius* is half the side of SIFT's
#   $4 \times 4$ bins. The image is smoothed first, by a third of a bin, as in SIFT's own scale space.
# - Each type of feature is multiplied by one number so that its norm is 512, that of SIFT, in the root mean square over
#   the keypoints of the training set. This gives the paper's $C$ its meaning.
# - A classifier is a linear SVM for each keypoint of a category against its others, with squared hinge loss; the highest
#   score names the keypoint. The intercept is the weight of a constant feature of 512.
# - Accuracy is the share of right names of each type of keypoint, averaged over the types of a category, then over
#   categories: frequent keypoints weigh no more than rare ones. A type that is not in the training set counts as wrong.
#
# ## The choice of C
#
# The paper sets $C = 10^{-6}$ "based on five-fold cross validation on the training set". Here the training *images* of
# each category are dealt to {glue:text}`folds` folds (fewer, if there are fewer images): no instance is ever divided.

# %% tags=["hide-input"]
Cs = sorted({*Cs, C})
how = dict(folds=folds, square=square)
found = training.validate(data, network, trial, [*features, *sharp], Cs=[C], **how)
trained = {feature: scores.curve(one)[0] for feature, one in found.items()}
found = training.validate(data, network, [shown], features, Cs=Cs, **how)
curves = {feature: scores.curve(one)[:, 0] for feature, one in found.items()}
kinds = {"convnet": layers, "sift": radii, "sharp": sharp}
kinds["early"] = [name for name in layers if name not in ("conv4", "conv5")] or layers
best = {kind: studies.best(trained, some) for kind, some in kinds.items()}
panels = {title: {label(f): curves[f] for f in kinds[kind]} for kind, title in titles.items()}
glue("validation", plots.validation(Cs, panels, mark=C), display=False)
plt.close()
for kind in titles:
    glue(f"{kind}-C", f"{studies.best_C(curves, Cs, kinds[kind]):g}", display=False)
for kind, feature in best.items():
    glue(f"{kind}-best", label(feature), display=False)

# %% [markdown]
# ```{glue:figure} validation
# :name: figure-validation
# :alt: Two panels of accuracy in cross validation against C on a logarithmic axis: a curve for each of the five convolution layers at the left, for each of five radii of SIFT at the right, with a broken vertical line at the C that is used, {glue:text}`C`. On average the layers are best at {glue:text}`convnet-C`, the radii at {glue:text}`sift-C`.
#
# *The paper's Figure 5* (tier: {glue:text}`tier`): accuracy of {glue:text}`shown` keypoints in {glue:text}`folds`-fold cross validation on train, (a) by layers of the network, (b) by SIFT of several radii. The broken line is the C of Table 3, {glue:text}`C`.
# ```
#
# As in the paper's figure, and to save time, every $C$ is tried for one category only, {glue:text}`shown`. The best, averaged
# over the layers, is {glue:text}`convnet-C`, and over the radii of SIFT {glue:text}`sift-C`. With the $C$ of Table 3
# there is such a cross validation for {glue:text}`trial` categories. By its accuracy, on train, {glue:text}`convnet-best` is
# chosen as the best layer and {glue:text}`sift-best` as the best radius for the comparison below. (Were they chosen by their
# accuracy on val, the luck of the winner would be part of the difference.)
#
# ## Table 3

# %% tags=["hide-input"]
named = scores.classify(*world, [*features, *sharp], C=C, square=square)
table = {feature: scores.accuracy(named[feature]) for feature in features}
intervals = {feature: np.stack([scores.estimate([one])[1:] for one in named[feature]]) for feature in table}
means = {feature: scores.estimate(found) for feature, found in named.items()}
glue("table-3", Markdown(report.table_3(table, categories)), display=False)
glue("means", Markdown(report.means(means, trained, curves, Cs, C, photos["means"])), display=False)

# %% [markdown]
# :::{table} *The paper's Table 3.* Accuracy of naming keypoints in percent (tier: {glue:text}`tier`, network {glue:text}`network`), and below it as published in the paper (PASCAL VOC 2011). The best SIFT and the best layer of each row are bold. The two are of different worlds unless the tier is voc2011: compare features, not numbers.
# :name: table-naming
#
# ```{glue:md} table-3
# :format: myst
# ```
# :::
#
# :::{table} *Means over categories* in percent: published, ours (tier: {glue:text}`tier`), and this chapter's on photographs (tier: photos, network {glue:text}`photos-network`; {glue:text}`photos-set`), with 95 % bootstrap intervals over instances. Then, by cross validation on train (tier: {glue:text}`tier`), the mean accuracy of {glue:text}`trial` categories at the C of Table 3, {glue:text}`C`; for {glue:text}`shown`, the best C of those tried and the points that it gains. *Bin/{glue:text}`bare`* is the smoothing of the last rows, explained below.
# :name: table-naming-means
#
# ```{glue:md} means
# :format: myst
# ```
# :::
#
# How much to smooth an image before SIFT is a choice, too. Lowe's scale space ties it to the size of the descriptor: a third
# of a bin, which at radius 160 is 27 pixels. That removes what is fine, and some of that tells parts apart. The last rows
# of {numref}`table-naming-means` smooth by a bin over {glue:text}`bare` only, so that large bins collect fine gradients. That
# is not the SIFT of a scale space, and the paper has no such rows; but where its accuracy on train is higher, it is the
# stronger opponent. The best of them by that measure, {glue:text}`sharp-best`, is compared with the layers below, too.
#
# ## How precisely?
#
# Knowing a keypoint's name at its own place is one thing; knowing that the place is right is another. The paper evaluates
# the classifiers "with a single-pixel stride around ground truth keypoint locations" and histograms where they respond most
# in a window of $21 \times 21$ pixels. If a classifier is sensitive to the place, the maxima gather at the middle. Those on
# the window's border are dropped: there the response may well rise further outside.
#
# A layer has a feature only every few pixels. To have one at every pixel, each layer is evaluated at stride one with its
# window spread by the strides before it (*a trous*): one pass gives what 441 shifted crops would. The squares are widened by
# {glue:text}`margin` pixels on each side, at the same scale, so that a keypoint on the border of its box has a window, too.
# These classifiers have learned to tell keypoints from each other at units up to half a stride away, never a keypoint from
# its surroundings: nobody asked for precision.

# %% tags=["hide-input"]
of = [(shown, localised), *((name, 1) for name in rest)]
peaks = [fine.peaks(data, network, c, features, C=C, limit=n, square=square) for c, n in of]
located = studies.localisation(peaks, features)
types = [name for name in pointed if name in peaks[0].names] or list(peaks[0].names[:2])
drawn = [*radii[::2], *layers]
histograms = {t: {label(f): studies.histogram(peaks[0], f, t) for f in drawn} for t in types}
glue("peaks", plots.peaks(histograms), display=False)
plt.close()
glue("located", Markdown(report.localisation(located)), display=False)
for name in ("total", "inside"):
    glue(f"windows-{name}", f"{located[name]:,}", display=False)

# %% [markdown]
# ```{glue:figure} peaks
# :name: figure-peaks
# :alt: Histograms of the places of the highest responses in squares of 21 by 21 pixels in coarse cells, a row for each of two keypoints, a column for each feature, SIFT first, then conv1 to conv5, with a cross on the true place in the middle of each; {glue:text}`windows-inside` windows of all categories were looked at.
#
# *The paper's Figure 4* (tier: {glue:text}`tier`; {glue:text}`localised` instances of {glue:text}`shown`). Where the classifier of a keypoint responds most in the $21 \times 21$ pixels around its true place (cross); darker is more often, in cells of $3 \times 3$ pixels. n counts the maxima; those on the border are dropped.
# ```
#
# :::{table} *Localisation in numbers* (tier: {glue:text}`tier`): {glue:text}`windows-inside` keypoints of val with a window, of {glue:text}`windows-total` looked at (to save time, those of {glue:text}`localised` instances of {glue:text}`shown` and one of each of {glue:text}`others` other categories). The share of maxima on the border, dropped; the median distance of the others from the keypoint; and the share of them within 2 px (half the stride of conv1), 4 px (conv2) and 8 px (conv3 to conv5), means over instances with 95 % bootstrap intervals. Last, a place drawn at random from the window without its border.
# :name: table-localisation
#
# ```{glue:md} located
# :format: myst
# ```
# :::
#
# ## What the paper claims, and what can be told
#
# {numref}`table-naming-claims` judges the claims by the bootstrap, with the same draws of instances on both sides of a
# difference: a claim *holds* only where its whole interval says so. Beside it is this chapter executed on the photographs
# of {numref}`table-naming-means`.

# %% tags=["hide-input"]
every = [name for name, field in network.receptive_fields.items() if field.size <= size]
named |= scores.classify(*world, [name for name in every if name not in named], C=C, square=square)
judged = claims.classification(named, layers=layers, **best) | claims.localisation(located, layers)
columns = (f"{data.name} (this page)", judged), ("photos (recorded)", photos["claims"])
glue("claims", Markdown(report.verdicts(*columns)), display=False)

# %% [markdown]
# :::{table} *The paper's claims*, judged here (tier: {glue:text}`tier`) and on photographs (tier: photos). Below each verdict the differences that it rests on, in percent, with 95 % bootstrap intervals over instances.
# :name: table-naming-claims
#
# ```{glue:md} claims
# :format: myst
# ```
# :::
#
# ## What rectification takes away
#
# The features of a convolution layer are rectified: what would be negative becomes zero. {numref}`table-rectification` counts
# what is left of the activations at keypoints, and gives the same classifiers the outputs of each layer from before, which
# the paper does not do. The one that gains most, {glue:text}`linear-most`, gains {glue:text}`linear-gain` points: what tells
# keypoints apart in its negative outputs is lost in Table 3.

# %% tags=["hide-input"]
linear = studies.rectification(*world, layers, C=C, square=square)
text = report.rectification(linear, photos["rectification"])
glue("rectification", Markdown(text), display=False)
most = max(linear, key=lambda name: linear[name]["gain"][0], default="")
glue("linear-most", most, display=False)
glue("linear-gain", tables.spelled(linear[most]["gain"]) if most else "", display=False)

# %% [markdown]
# :::{table} *Rectification* (tier: {glue:text}`tier`; at the right photos): the share of activations at keypoints of val that are not zero; mean accuracy in percent with the layer's outputs before they are rectified, and what is gained over {numref}`table-naming-means`, with 95 % bootstrap intervals over instances.
# :name: table-rectification
#
# ```{glue:md} rectification
# :format: myst
# ```
# :::
#
# ## Left or right?
#
# A face is nearly its own mirror image, and so is a bus. {numref}`figure-confusion` shows what the keypoints of one category
# are taken for; {numref}`table-mirrored` forgives the confusion of a left keypoint with its right counterpart.

# %% tags=["hide-input"]
pair = {label(best[kind]): scores.confusion(named[best[kind]][where]) for kind in titles}
glue("confusion", plots.confusions(pair, data.keypoint_names(shown)), display=False)
plt.close()
merged = studies.mirrored(data, categories, {feature: named[feature] for feature in features})
text = report.estimates(["feature", "as they are", "left and right merged"], means, merged)
glue("mirrored", Markdown(text), display=False)

# %% [markdown]
# ```{glue:figure} confusion
# :name: figure-confusion
# :alt: Two matrices of the keypoints of one category, the true one in rows and what it is taken for in columns, in shades of blue: the best layer at the left, the best radius of SIFT at the right. The diagonal stands out where names are right.
#
# *Confusions* of {glue:text}`shown` keypoints on val (tier: {glue:text}`tier`), in percent of each row.
# ```
#
# :::{table} *Left and right merged* (tier: {glue:text}`tier`): mean accuracy in percent with 95 % bootstrap intervals over instances, as in Table 3, and when a keypoint counts as named rightly also by the name of its mirror image.
# :name: table-mirrored
#
# ```{glue:md} mirrored
# :format: myst
# ```
# :::
#
# ## Every layer, and less to learn from
#
# The paper found "pooling and normalization layers to have lower performance" ({numref}`figure-layers`). And would the order
# of features change with fewer annotated images ({numref}`figure-sizes`)?

# %% tags=["hide-input"]
series = np.stack([scores.estimate(named[name]) for name in every])
line = {label(best[kind]): np.tile(means[best[kind]], (len(every), 1)) for kind in ("sift", "sharp")}
figure = plots.intervals(every, {"layer": series}, baseline=line, label="mean accuracy in percent")
figure.axes[0].tick_params(axis="x", labelrotation=40)
glue("layers", figure, display=False)
shares = [0.125, 0.25, 0.5, 1.0]
some = [best[kind] for kind in ("convnet", "sift", "sharp")]
learned = studies.sizes(*world, some, shares, C=C, seed=seed, square=square)
how = dict(xlabel="share of the training images", ylabel="mean accuracy in percent", logarithmic=True)
figure = plots.curves(shares, report.plain(learned), **how)
figure.axes[0].set_xticks(shares, [f"{share:g}" for share in shares])
figure.axes[0].minorticks_off()
glue("sizes", figure, display=False)
plt.close("all")

# %% [markdown]
# ```{glue:figure} layers
# :name: figure-layers
# :alt: Mean accuracy with intervals for every convolution, pooling and normalisation layer of the network in turn, with the best SIFT and the best SIFT with less smoothing as grey squares beside each. {glue:text}`convnet-best`, chosen on train, has {glue:text}`score` %, {glue:text}`sift-best` {glue:text}`score-sift` %.
#
# *Every layer* (tier: {glue:text}`tier`): mean accuracy on val with 95 % bootstrap intervals over instances; in grey, the same beside each layer, the best SIFT of either smoothing, chosen on train.
# ```
#
# ```{glue:figure} sizes
# :name: figure-sizes
# :alt: Mean accuracy rising with the share of the training images, on a logarithmic axis, for the best layer, the best SIFT and the best SIFT with less smoothing, with bands; at the right end {glue:text}`score` and {glue:text}`score-sift` % for the first two.
#
# *Fewer training images* (tier: {glue:text}`tier`): mean accuracy on val, with 95 % bootstrap intervals over the instances of val. The images of each category are drawn once, each share from the next larger one.
# ```
#
# ## With these parameters

# %% tags=["hide-input"]
results = {
    "categories": categories,
    "Cs": Cs,
    "shares": shares,
    "claims": judged,
    "localisation": located,
}
for name, each in dict(
    table=table,
    intervals=intervals,
    means=means,
    train=trained,
    validation=curves,
    mirrored=merged,
    sizes=learned,
).items():
    results[name] = report.plain(each)
results |= dict(layers=dict(zip(every, series, strict=True)), rectification=linear)
results |= dict(best={k: label(f) for k, f in best.items()})
used = dict(layers=layers, radii=radii, C=C, folds=folds, frame=frame, size=size)
used |= dict(localised=localised, others=others, chosen=chosen)
module, seconds = "corrlib.experiments.classification.studies", time.perf_counter() - started
origin = experiments.provenance(data, network, parameters=used, module=module, seconds=seconds)
path = tables.results() / f"classification-{data.name}.json"
cache.write_result(path, results, provenance=origin)
glue("score", tables.spelled(means[best["convnet"]]), display=False)
glue("score-sift", tables.spelled(means[best["sift"]]), display=False)
glue("merged", tables.spelled(merged[best["convnet"]]), display=False)

# %% [markdown]
# Mean accuracy at C = {glue:text}`C` (tier: {glue:text}`tier`): {glue:text}`convnet-best` {glue:text}`score`,
# {glue:text}`sift-best` {glue:text}`score-sift`. {doc}`sweeps`:
# `corrlib sweep classification -p C=1e-7,1e-6,1e-5 --out runs/C`.
#
# ## Exercises
#
# One category is enough to see most things, and fast. Commands are run in the project's folder.
#
# :::{admonition} 1. With the surroundings
# :class: tip
# Give the classifiers the whole image in place of the box:
#
# ```bash
# corrlib run classification -p category=cat -p frame=image -o image.ipynb
# ```
#
# Which features lose, and which might gain?
# :::
#
# :::{admonition} What to look for
# :class: dropdown
# The object is smaller in its square now, and the sizes of receptive fields are what they were: each unit sees more of the
# object, and what is around it. Large fields lose the detail that told eyes from noses; small ones, which saw nothing but fur,
# see a little more. Compare Table 3 of your notebook, row by row, with that of this page.
# :::
#
# :::{admonition} 2. Too much freedom, too little
# :class: tip
# Two decades to either side of the paper's $C$:
#
# ```bash
# corrlib sweep classification -p category=cat -p C=1e-8,1e-6,1e-4 --out runs/C
# ```
#
# Do all layers want the same $C$?
# :::
#
# :::{admonition} What to look for
# :class: dropdown
# A small $C$ keeps weights small, and classifiers hardly differ from each other; a large one fits each training keypoint. In
# {numref}`figure-validation` the best is {glue:text}`convnet-C` on average over layers, and {glue:text}`sift-C` over radii. All features were scaled to
# one norm before: without that, the same $C$ would mean something else for each.
# :::
#
# :::{admonition} 3. A thing that is its own mirror image
# :class: tip
# The corners of a bus look alike on both sides:
#
# ```bash
# corrlib run classification -p category=bus -p shown=bus -p pointed=L_F_Base,R_F_Base -o bus.ipynb
# ```
#
# Look at the matrix of confusions, and at the table of left and right merged.
# :::
#
# :::{admonition} What to look for
# :class: dropdown
# Confusions of a corner with its mirror image lie on two lines beside the diagonal. For {glue:text}`convnet-best` over all
# categories of this page, accuracy is {glue:text}`score`, and {glue:text}`merged` when they are forgiven. But a bus has another symmetry,
# which the merged table does not forgive: seen from its other side, its left back corner is where the right front one would
# be. Which of the two confusions is more frequent in your matrix?
# :::
#
# :::{admonition} 4. To think about
# :class: tip
# A unit of `conv5` at a cat's left eye also sees the right one, and the nose. The one at the right eye sees the same three.
# How can a *linear* classifier of its activations know which eye is in the middle?
# :::
#
# :::{admonition} An answer
# :class: dropdown
# The unit is the same at both places, but not what it sees: once the other eye is at one side, once at the other. A network's
# weights differ from place to place in its field, so channels can respond to "something round with the face to its
# left". Nobody asked for that. But to tell a cat from a dog by parts and their arrangement, such channels are of use. A
# feature that only counted what is in its field would give both eyes the same, and no classifier could help.
# :::
