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
# Point at the left ear of a cat, and then at the left ear of another cat. A convolutional network that is trained to say "cat"
# is never told where anything is, and its layers pool over ever larger regions: do its features still find the same part in
# both? {cite:t}`long2014` said that they do. This book runs their experiments again, and judges every claim.

# %% tags=["parameters", "hide-input"]
category: str = "cat"  # whose objects are shown
keypoint: str = "L_Eye"  # of it, that the units are centred on
seed: int = 1  # of the pair that is drawn
difficult: bool = True  # use objects that VOC calls difficult
truncated: bool = True  # and those that it calls truncated
data_root: str = ""  # a dataset like VOC 2011; empty: figurines
weights: str = ""  # a network's file; empty: the figurine network

# %%
from corrlib.publishing import page, scoreboard

data, network = page.setup(globals())
datasets = scoreboard.datasets(data, network)
recorded, built = datasets
differences = {name: scoreboard.differences(each) for name, each in datasets.items()}
counts = {name: scoreboard.counts(each) for name, each in differences.items()}
judged = {
    name: ", ".join(
        f"**{scoreboard.verdict(claim, each)}** in {task}" for task, claim in scoreboard.TASKS.items()
    )
    for name, each in differences.items()
}
page.text(f"""
**The answer here.** That convnet features are at least as useful as conventional ones is {judged[recorded]}, on the paper's own photographs (three of its
twenty categories). On {data.name} it is {judged[built]}. Of the {sum(counts[recorded].values())} claims that the paper makes,
{counts[recorded]["supported"]} are supported on these photographs and {counts[recorded]["contradicted"]} contradicted; on {data.name},
{counts[built]["supported"]} and {counts[built]["contradicted"]}. The others are too close to decide, or not tested.
""")

# %%
from corrlib.experiments import alignment
from corrlib.publishing import plots

settings = alignment.Settings().resolve(data, network)
betas = (datasets[built] or datasets[recorded])["alignment"]["values"]["beta"]
shown = category if category in settings.categories else settings.categories[0]
page.figure(
    "aligned-first",
    plots.transferred([alignment.examples(data, network, settings, shown, betas)]),
    f"""*Correspondence without being told* ({data.name}, {shown}). Left: a target with its annotated keypoints. Middle: five other objects, warped to it by
    flows that match features of the network's {settings.layer} (above) and SIFT (below), with their keypoints. Right: these keypoints, copied onto the
    target. A keypoint has one colour and shape throughout ([how](alignment)).""",
    alt="""At the left an object with dots on its keypoints; five objects of the same category warped to its pose, by convnet flow above and by SIFT
    flow below; at the right the first object with all of their dots.""",
)

# %%
page.table(
    "tasks",
    scoreboard.tasks(differences),
    f"""*Convnet features less SIFT* in the three tasks, in points of PCK or accuracy: as published, on the paper's own photographs, and on {data.name}, with
    95 % bootstrap intervals.""",
)

# %% [markdown]
# Three ways in:
#
# - **Read.** What a [single feature remembers](visualization); objects [aligned](alignment); keypoints [classified](classification)
#   and [predicted](prediction); and the [scoreboard](scoreboard) of all claims and numbers.
# - **Play.** [Point at an object](explorer), and see where each feature finds that point in others.
# - **Rerun.** Every page is a notebook with parameters: the end of this page says how to change them, and [Run it on PASCAL
#   VOC](voc) how to get the paper's own data.
#
# ## Correspondence
#
# Anyone can say which point of one cat is the same point of another, across individuals, poses and viewpoints. The figure shows it
# for two objects: this is what the experiments are tested against.

# %%
import numpy as np

from corrlib.data import crops
from corrlib.experiments.alignment.example import large

names = data.keypoint_names(shown)
objects = crops.objects(data, shown, "val")
whole = [objects[number] for number in large(objects)]
visible = np.stack([np.isfinite(instance.keypoints[:, 0]) for instance in whole]).astype(int)
common = np.triu(visible @ visible.T, 1)  # keypoints that two objects share
pairs = np.argwhere(common == common.max())
pair = [whole[number] for number in pairs[np.random.default_rng(seed).integers(len(pairs))]]
page.figure(
    "joined",
    plots.joined(crops.images(data, pair, 300), crops.keypoints(pair, 300), names),
    f"""*Correspondence* ({data.name}, {shown}): the boxes of two objects, warped to squares, and the {common.max()} keypoints that both of them show,
    joined. L and R are the object's own left and right, B and F back and front. The lines are annotations: no feature is involved.""",
    alt=f"""Two objects of one category in different poses, colours and views, side by side; coloured lines join the {common.max()} keypoints that
    both show, such as the eyes, the nose and the paws.""",
)

# %% [markdown]
# ## Receptive fields
#
# A *unit* of a layer sees a square region of the image, its **receptive field** (rf); from one unit to the next this region moves
# by the **stride**. The figure follows one place through the five convolution layers of the network. A unit of `conv1` sees too
# little to recognise anything. A unit of `conv5` sees a large part of the animal, and the next unit is many pixels away: how
# could *it* know where the eye is? This is the question of the paper in one figure.

# %%
from corrlib.convnet import INPUT_SIDE

kind = names.index(keypoint) if keypoint in names else int(visible.sum(axis=0).argmax())
counts = visible.sum(axis=1)
complete = [whole[n] for n in np.flatnonzero((visible[:, kind] > 0) & (counts >= counts.max() - 1))] or whole
places = crops.keypoints(complete, INPUT_SIDE)[:, kind]
central = int(np.argmin(np.linalg.norm(places - INPUT_SIDE / 2, axis=1)))
fields = {name: network.receptive_fields[name] for name in ("conv1", "conv2", "conv3", "conv4", "conv5")}
shapes = {name: network.output_shape((INPUT_SIDE, INPUT_SIDE), name) for name in fields}
first, last = fields["conv1"].size, fields["conv5"].size
page.figure(
    "looking",
    plots.looking(crops.images(data, [complete[central]], INPUT_SIDE)[0], places[central], fields, shapes),
    f"""*Receptive fields* ({data.name}, network {network.name}). Above: an object, warped to {INPUT_SIDE} x {INPUT_SIDE} pixels; a dot for each unit
    of a layer, and the receptive field of the unit nearest to the {names[kind].replace("_", " ")}: {first} pixels wide in conv1, {last} in conv5,
    where units are {fields["conv5"].stride} pixels apart. Below: the same receptive fields, enlarged; grey is outside the object's box. Sizes and
    strides are computed from the list of layers.""",
    alt=f"""One object five times, covered with ever coarser grids of dots, and on each a yellow square around the same place, from {first} pixels in
    conv1 to {last} of {INPUT_SIDE} in conv5. Below, what is in each square, enlarged: a few blurred pixels first, then an eye, then the head and
    part of the body.""",
)

# %% [markdown]
# ## Four questions
#
# 1. **What does a single feature remember?** Replace each patch of an image by the patches whose features are most similar. If
#    the result still looks like the image, the features knew where things were ([visualization](visualization)).
# 2. **Can two objects be aligned** by matching features, while neighbouring places have to move together?
#    ([alignment](alignment))
# 3. **Given a place, can its part be named?** A linear classifier sees one feature at a keypoint: left eye, or right?
#    ([classification](classification))
# 4. **Given a part, can its place be found?** Part detectors slide over a box, with and without a prior
#    ([prediction](prediction)).
#
# Each question is asked of the network's layers and, on the same images, of **SIFT** {cite:p}`lowe1999`, a descriptor that was
# designed for matching: it counts the directions of edges in a grid of bins around a point. The claims of the paper compare the
# two.

# %%
from corrlib.experiments.alignment import ALPHAS

tolerances = " and ".join(
    f"{200 * alpha:g} pixels at $\\alpha = {alpha:g}$" for alpha in (max(ALPHAS), min(ALPHAS))
)
page.text(f"""
The measure is mostly **PCK**, the percentage of correct keypoints. A predicted keypoint is correct if it is closer to the true one than $\\alpha$ times the
longer side of the object's box: for a box 200 pixels wide, {tolerances}. In [Try it yourself](explorer) you can move $\\alpha$ and see the effect.
""")

# %% [markdown]
# ## Datasets
#
# The paper used the photographs of PASCAL VOC 2011 {cite:p}`everingham2011`, the keypoints that {cite:t}`bourdev2009` annotated
# on them, and the Caffe reference network {cite:p}`jia2014`, a variant of the network of {cite:t}`krizhevsky2012`. Whoever has
# these on disk can run every chapter on them. Few readers have, so there are other datasets, and **every figure and table names
# the one it shows**:
#
# - **figurines**, the default, which you see unless a caption says otherwise. [Figurines](figurines) are rendered by this
#   project's own code ([below](#figure-figurines)): PASCAL's twenty categories as small solid models, with the keypoint names of
#   the Berkeley annotations, and with enough variation of build, pose, pattern, light and view to make matching a real task. The
#   network has the geometry of the Caffe reference network with fewer channels, and was trained on whole-image labels of
#   figurines alone. Here the true correspondence of *every* pixel is known.
# - **voc2011**, the paper's own: VOC 2011 with the Berkeley keypoints, and the weights of a network trained on photographs.
#   Results on three of its categories were recorded once, and are shown beside those on figurines. [Run it on PASCAL
#   VOC](voc) says how to get all twenty, and how much time and memory they take.
# - **photos**: any other photographs in the same layout.
#
# Numbers measured on figurines cannot be compared with numbers measured on photographs. Where the conclusions agree, this says
# something about features; where they differ, it may say more about the images. Compare *methods* on one dataset, not numbers
# of different datasets.

# %%
import matplotlib.pyplot as plt

from corrlib.publishing import results

page.figure(
    "figurines",
    plots.picture(plt.imread(results.project() / "book" / "images" / "figurines.jpg")),
    """*Figurines*: one object of each category, with its visible keypoints. Most bodies take any colour and pattern, so that a network has to learn
    shapes.""",
    alt="""A grid of twenty rendered objects, one per PASCAL category from aeroplane to television, in odd colours and patterns before cluttered
    backgrounds, with coloured dots on keypoints such as ears, wheels and table corners.""",
    source="figurines, drawn by this package",
)

# %% [markdown]
# ## How to read a number
#
# Most of our numbers come with an interval, as in 50 [45, 55]. It is a 95 % *bootstrap* interval: the same number is computed again
# for many samples of as many images, drawn with replacement from those that there are; 95 % of these values lie within the interval.
# It shows how much a number depends on the choice of these objects. It does not cover another dataset or another network.

# %%
from corrlib import metrics

supported, same_direction, inconclusive, contradicted, not_tested = metrics.VERDICTS
page.text(f"""
A claim of the paper is judged by the interval of the difference between two methods on the same objects. It is **{supported}** if the whole interval is on the
claimed side, **{contradicted}** if the whole interval is on the other side, and otherwise **{inconclusive}**: there are too few objects to decide. Where
it is inconclusive although all values are on the claimed side, it is called **{same_direction}**. Claims that nothing here measures are **{not_tested}**.
""")

# %% [markdown]
# The [scoreboard](scoreboard) has all results on one page: every number of the paper's Tables 1 to 4 and every claim, published,
# as recorded on photographs, and as measured when this copy of the book was built. Start there if you know the paper, and come
# back to the chapters for the reasons.
#
# ## How to read this book
#
# Each chapter is a notebook. In the executed notebook, figures and tables are shown under the cells that make them. In the book
# the code of these cells is folded: click on *Show code cell source* above a figure or table to see it. At the top of each page
# the GitHub mark leads to the source (*Suggest edit*), the arrow downloads the executed notebook, and the rocket opens the chapter
# on a server where you can change and run it. The small print below each figure and table says where it comes from: dataset and
# network with the first digits of their checksums, parameters, commit, date and time taken.
#
# Each of the four chapters on the paper's experiments ends with exercises, whose answers are folded. Most of them change a
# parameter; the command line does that without an editor:
#
# ```bash
# corrlib run visualization -p layer=conv4 -p k=1 -o conv4.ipynb
# ```
#
# The [README](https://github.com/corrlib/corrlib#readme) has the two commands that build the book and run its tests.
#
# ## Literature
#
# ```{bibliography}
# ```
