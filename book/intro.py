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
# # Do Convnets Learn Correspondence?
#
# Point at the left ear of a cat, and then at the left ear of another cat. A convolutional network that is trained to classify
# whole images is never told where anything is, and its layers pool over increasingly large regions. Do its features still find
# the same part in both images? {cite:t}`long2014` concluded that they do. This book repeats their experiments, lists their
# claims, and tests those that can be measured.

# %% tags=["parameters"]
aligned: str = "bicycle"  # category whose objects are aligned
category: str = "cat"  # category of the other objects shown
keypoint: str = "L_Eye"  # keypoint at which receptive fields are shown
seed: int = 105  # seed for choosing the pair of objects
difficult: bool = True  # use objects that VOC marks as difficult
truncated: bool = True  # use objects that VOC marks as truncated
data_root: str = ""  # folder of a dataset in the layout of VOC 2011; empty: the figurines
weights: str = ""  # file with the weights of a network, or timm:NAME@FILE; empty: the figurine network

# %%
from corrlib.publishing import page, scoreboard

data, network = page.setup(globals())
datasets = scoreboard.datasets(data, network)
recorded, built = datasets
differences = {name: scoreboard.differences(each) for name, each in datasets.items()}
counts = {name: scoreboard.counts(each) for name, each in differences.items()}

page.text(f"""
**The answer here.** The paper concludes that convnet features are at least as useful as conventional ones. On its own photographs (three of its twenty
categories), this claim is {scoreboard.by_task(differences[recorded])}. On {data.name}, it is {scoreboard.by_task(differences[built])}. Of the paper's {sum(counts[recorded].values())} claims, this book
finds {counts[recorded]["supported"]} supported and {counts[recorded]["contradicted"]} contradicted on these photographs, and {counts[built]["supported"]}
supported and {counts[built]["contradicted"]} contradicted on {data.name}. The remaining claims are inconclusive or not tested.
""")

# %%
from corrlib.experiments import alignment
from corrlib.publishing import plots

settings = alignment.Settings().resolve(data, network)
betas, _ = alignment.validate(data, network, settings)
first, shown = (
    name if name in settings.categories else settings.categories[0] for name in (aligned, category)
)
page.figure(
    "aligned-first",
    plots.transferred([alignment.examples(data, network, settings, first, betas, count=3)], settings.alpha),
    f"""*Correspondence without keypoint supervision* ({data.name}, {first}). Above: a target and other objects, with their annotated keypoints. Below: the
    other objects, warped to the target by flows that match {settings.layer} features of the network or SIFT. Lines lead from their keypoints to the true
    places in the target. Below the target, the keypoints of all the others are drawn on it. PCK (below the target, that of all the others together) is the share of transferred keypoints that are closer to
    the true place than {settings.alpha:g} times the longer side of the target's box. This is one example: [alignment](alignment) describes the method and gives averages, and the
    table below has the average differences between the two kinds of features.""",
    alt="""Three rows: a target and other objects of its category, with dots on their keypoints; the objects warped to its pose by convnet flow; and by
    SIFT flow. Lines lead from transferred keypoints to where they should be, and PCK is written below each picture.""",
)

# %%
page.table(
    "tasks",
    scoreboard.tasks(differences),
    f"""*Difference between convnet features and SIFT* in the three tasks, in points of PCK or accuracy, positive where convnet features are better: as
    published, over all twenty categories and over the *same categories* as the photographs; on these photographs (three categories); and on {data.name},
    with 95 % bootstrap intervals. SIFT is a hand-designed descriptor (40: its radius in pixels; the best layer and the best radius in cross validation are
    compared), and alpha is the tolerance of PCK (see *How to read a number*, below).""",
)

# %% [markdown]
# Three ways in:
#
# - **Read.** Four chapters ask [what a single feature remembers](visualization), whether objects can be [aligned](alignment), and
#   whether keypoints can be [classified](classification) and [predicted](prediction). The [scoreboard](scoreboard) collects all
#   claims and numbers. [Ten years later](networks) asks the same of another network.
# - **Play.** [Point at an object](explorer) and see where each feature finds that point in other objects.
# - **Rerun.** Every page is a notebook with parameters. The end of this page explains how to change them, and [Run it on PASCAL
#   VOC](voc) explains how to get the paper's own data.
#
# ## Correspondence
#
# Given a point on one cat, anyone can find the same point on another, across individuals, poses and viewpoints. The figure shows
# such pairs of points for two objects. The experiments are scored against annotations like these.

# %%
import numpy as np

from corrlib.data import crops
from corrlib.experiments.shown import clear

names = data.keypoint_names(shown)
objects = crops.objects(data, shown, "val")
whole = [objects[number] for number in clear(objects)]
visible = np.stack([np.isfinite(instance.keypoints[:, 0]) for instance in whole]).astype(int)
common = np.triu(visible @ visible.T, 1)  # keypoints that two objects share
pairs = np.argwhere(common >= common.max() - 2)
left, right = pairs[np.random.default_rng(seed).integers(len(pairs))]
pair = [whole[left], whole[right]]
page.figure(
    "joined",
    plots.joined(crops.images(data, pair, 300), crops.keypoints(pair, 300), names),
    f"""*Correspondence* ({data.name}, {shown}): the boxes of two objects, warped to squares. Lines join the keypoints that are visible in both
    ({common[left, right]}). L and R are the object's own left and right, B and F its back and front. The lines come from annotations; no feature is involved.""",
    alt=f"""Two objects of one category in different poses, colours and views, side by side. Coloured lines join the keypoints that are visible in both
    ({common[left, right]}), such as the ears, the elbows and the paws.""",
)

# %% [markdown]
# ## Receptive fields
#
# A *unit* of a layer sees a square region of the image, its **receptive field** (rf). From one unit to the next, this region moves
# by the **stride**. The figure follows one place through the five convolution layers of the network. A unit of `conv1` sees too
# little to recognise anything. A unit of `conv5` sees a large part of the animal, and the next unit is many pixels away. How can
# such a unit know where the eye is? This is the question that the paper asks.

# %%
from corrlib.convnet import INPUT_SIDE

kind = names.index(keypoint) if keypoint in names else int(visible.sum(axis=0).argmax())
places = crops.keypoints(whole, INPUT_SIDE)[:, kind]
central = int(np.nanargmin(np.linalg.norm(places - INPUT_SIDE / 2, axis=1)))
fields = {name: network.receptive_fields[name] for name in ("conv1", "conv2", "conv3", "conv4", "conv5")}
shapes = {name: network.output_shape((INPUT_SIDE, INPUT_SIDE), name) for name in fields}
first, last = fields["conv1"].size, fields["conv5"].size
page.figure(
    "looking",
    plots.looking(crops.images(data, [whole[central]], INPUT_SIDE)[0], places[central], fields, shapes),
    f"""*Receptive fields* ({data.name}, network {network.name}). Above: an object, warped to {INPUT_SIDE} x {INPUT_SIDE} pixels, with a dot for each
    unit of a layer and the receptive field of the unit nearest to the keypoint {names[kind].replace("_", " ")}. This field is {first} pixels wide in
    conv1 and {last} pixels wide in conv5, whose units are {fields["conv5"].stride} pixels apart. Below: the same receptive fields, enlarged; grey is
    outside the object's box. Sizes and strides are computed from the list of layers.""",
    alt=f"""The same object five times, covered with increasingly coarse grids of dots. On each copy, a yellow square surrounds the same place; its side
    grows from {first} pixels in conv1 to {last} in conv5, of {INPUT_SIDE}. Below, the content of each square, enlarged: first a few blurred pixels, then
    an eye, then the head and part of the body.""",
)

# %% [markdown]
# ## Four questions
#
# 1. **What does a single feature remember?** Replace each patch of an image by the patches whose features are most similar. If
#    the result still looks like the image, the features encode where things are ([visualization](visualization)).
# 2. **Can two objects be aligned** by matching their features under a smoothness prior? ([alignment](alignment))
# 3. **Given a location, can the part there be named?** A linear classifier sees one feature at a keypoint. Is it the left eye or
#    the right? ([classification](classification))
# 4. **Given a part, can it be located?** Part detectors slide over a box, with and without a prior on the location
#    ([prediction](prediction)).
#
# All four questions are asked of the network's layers, and the last three also, on the same images, of **SIFT** {cite:p}`lowe1999`, a descriptor designed for
# matching, which histograms the directions of edges in a grid of bins around a point. The claims of the paper compare the two.

# %%
from corrlib.experiments.alignment import ALPHAS

tolerances = " and ".join(
    f"{200 * alpha:g} pixels at $\\alpha = {alpha:g}$" for alpha in (max(ALPHAS), min(ALPHAS))
)
page.text(f"""
Most results are given as **PCK**, the percentage of correct keypoints. A predicted keypoint is correct if its distance from the true keypoint is less than
$\\alpha$ times the longer side of the object's box. If that side is 200 pixels long, the tolerance is {tolerances}. On the page
[Try it yourself](explorer) you can vary $\\alpha$ and see the effect.
""")

# %%
one = whole[central]
known = one.keypoints[np.isfinite(one.keypoints).all(axis=1)]
farthest = np.linalg.norm(known - one.keypoints[kind], axis=1).argmax()
page.figure(
    "tolerated",
    plots.tolerances(
        data.image(one.image_id), one.box, np.stack([one.keypoints[kind], known[farthest]]), ALPHAS
    ),
    f"""*What PCK tolerates* ({data.name}): the box of an object, and two of its keypoints with a circle for each tolerance of the paper. A prediction
    counts as correct if it lies inside the circle. PCK is averaged over the keypoint types of a category, then over categories.""",
    alt="An object in its box, with three concentric circles around each of two keypoints: the smaller alpha, the smaller the circle.",
)

# %% [markdown]
# ## Datasets
#
# The paper used the photographs of PASCAL VOC 2011 {cite:p}`everingham2011`, the keypoints that {cite:t}`bourdev2009` annotated
# on them, and the Caffe reference network {cite:p}`jia2014`, a variant of the network of {cite:t}`krizhevsky2012`. If you have
# these on disk, you can run every chapter on them. Few readers do, so the book also supports other datasets, and **every figure
# and table names the dataset that it shows**:
#
# - **figurines**, the default, which is shown unless a caption says otherwise. [Figurines](figurines) are rendered by this
#   project's own code ([below](#figure-figurines)): PASCAL's twenty categories as small solid models, with the keypoint names of
#   the Berkeley annotations, and with enough variation in build, pose, pattern, light and view to make matching a real task.
#   Their network has the geometry of the Caffe reference network with fewer channels, and was trained only on whole-image labels
#   of figurines. For this dataset the true correspondence of *every* pixel is known.
# - **voc2011**, the paper's own dataset: VOC 2011 with the Berkeley keypoints, and the weights of a network trained on photographs
#   (here BVLC AlexNet, a close relative of the Caffe reference network, with weights of 8 bits: `bvlc_alexnet_conv_int8`). Results on three of its categories (cow, horse and sheep; their keypoints by
#   way of Animal-Pose {cite:p}`cao2019`) were recorded once, and are shown beside those on figurines. [Run it on PASCAL
#   VOC](voc) explains how to get all twenty categories, and how much time and memory they take.
# - **photos**: any other photographs in the same layout.
#
# Numbers measured on figurines cannot be compared with numbers measured on photographs. Where the conclusions agree, this is
# evidence about the features; where they differ, the reason may be the images. Compare *methods* on one dataset, not numbers
# from different datasets.

# %%
page.figure(
    "figurines",
    plots.gallery(data),
    f"""*One object of each category* of {data.name}, with its visible keypoints: of the ten largest whole objects of the training set, the one with the most of
    them.""",
    alt="""A grid of twenty objects, one per category from aeroplane to television, with coloured dots on keypoints such as ears, wheels and table
    corners.""",
)

# %% [markdown]
# ## How to read a number
#
# Most of our numbers come with an interval, as in 50 [45, 55]. It is a 95 % *bootstrap* interval: the images are resampled many
# times with replacement, the number is computed again for each sample, and 95 % of these values lie within the interval. The
# interval shows how much a number depends on the choice of images. It does not cover another
# dataset, another network or another reading of the paper.

# %%
from corrlib import metrics

method = f"{settings.convnet_layer} flow"
errors = alignment.errors(data, network, settings, betas)[method]
page.figure(
    "pck-averages",
    plots.averages(
        errors,
        settings.categories,
        settings.categories.index(shown),
        data.keypoint_names(shown),
        settings.alpha,
    ),
    f"""*From keypoints to a mean with its interval* ({data.name}, {method}, alpha = {settings.alpha:g}). Left: the PCK of each keypoint type of one category;
    their mean (dashed) is the PCK of the category. Middle: the PCK of each category, with that category in orange; their mean is the number
    reported. Right: this mean for {metrics.RESAMPLES:,} samples of the images; 95 % of them are in the grey band, which is the interval.""",
    alt=f"""Left, dots for the PCK of each keypoint type of {shown}, in ascending order, and a dashed line at their mean. Middle, dots for the PCK of each
    category, and a dashed line at their mean. Right, a histogram of resampled means with a grey band over its middle 95 %.""",
)

# %%
supported, same_direction, inconclusive, contradicted, not_tested = metrics.VERDICTS
page.text(f"""
A claim of the paper is judged by the interval of the difference between two methods on the same objects. It is **{supported}** if the whole interval is on the
claimed side, and **{contradicted}** if the whole interval is on the other side. Otherwise it is **{inconclusive}**, because the interval includes both
signs. An inconclusive claim whose values are all on the claimed side is **{same_direction}**. A claim that rests on several differences is supported if all
of them are, and contradicted if one of them is. A claim that nothing here measures is **{not_tested}**.
""")

# %% [markdown]
# The [scoreboard](scoreboard) has all results on one page: every number of the paper's Tables 1 to 4 and every claim, as
# published, as recorded on photographs, and as measured when this copy of the book was built. If you know the paper, start there,
# and turn to the chapters for the reasons.
#
# ## How to read this book
#
# Each chapter is a notebook. In the executed notebook, figures and tables are shown under the cells that make them. In the book,
# the code of these cells is folded: click on *Show code cell source* above a figure or table to see it, and on a figure to enlarge
# it. At the top of each page,
# the GitHub mark leads to the source (*Suggest edit*), the arrow downloads the executed notebook, and the rocket opens the chapter
# on a server where you can change and run it. The small print below each figure and table gives its provenance: the dataset and
# the network with the first digits of their checksums, the parameters, the commit, the date and the time taken.
#
# Each of the four chapters on the paper's experiments ends with exercises, whose answers are folded. Most exercises change a
# parameter, which can be done from the command line. In a clone of the project, after `make book`:
#
# ```bash
# source .venv/bin/activate
# corrlib run visualization -p layer=conv4 -p k=1 -o conv4.ipynb
# ```
#
# The [README](https://github.com/corrlib/corrlib#readme) gives the two commands that build the book and run its tests.
#
# ## Literature
#
# ```{bibliography}
# ```
