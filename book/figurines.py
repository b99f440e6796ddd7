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
# # The figurine world
#
# The paper's photographs carry some ten annotated points each: enough to score a method, too few to see what it does
# everywhere else. Beside them this book has a world of its own, in which the question *which point of this horse is that point
# of the other horse?* has an exact answer for every pixel, because the horses are ours. A figurine is a short list of solid
# primitives (ellipsoids, boxes, cones, pipes) placed by a random generator; a point of a primitive's surface is the same point
# on every instance of the category. The world has PASCAL's twenty categories and the names of the Berkeley keypoints, and lies
# on disk in the layout of VOC 2011 with the Berkeley annotations, so that one reader reads both.
#
# It is **not** a substitute for photographs. It shows that every experiment of the paper runs and means something, in a world
# where the answers can be checked; what it says about natural images is another matter, and every figure and table names the
# dataset that it was measured on.

# %% tags=["parameters"]
category: str = "horse"  # whose dense correspondence is drawn
seed: int = 0  # which portraits and scenes are shown

# %%
from corrlib.publishing import page

data, network = page.setup({})

# %% [markdown]
# ## Twenty categories
#
# Proportions, joints, poses, colours and patterns vary within a category. All categories share one palette, with the hues,
# saturation and lightness of photographs, and a few simple materials: fur, feathers, cloth, paint, glass, metal, wood, leaves.
# As in photographs, a material can rule a category out (nothing furry is painted), but no colour gives one away.

# %%
from corrlib.publishing import plots

page.figure(
    "figurine-portraits",
    plots.portraits(seed),
    "*Figurines*: eight portraits of each category, with every subtype at least twice.",
    alt="""A sheet of twenty rows, one for each PASCAL category from aeroplane to tvmonitor, with eight rendered figures in each, of different
    build, pose, view, colour and pattern.""",
)

# %% [markdown]
# ## Scenes
#
# A scene is a field, a street, water, the sky or a room: a ground in perspective below sky or wall, with 1/f texture. The figure
# stands on it among clutter that is made of the same primitives, lit by a sun or a lamp and by the sky, with soft shadows. Where
# a figure is found (boats on water, sofas in rooms) is told by its surroundings, as in photographs. It is often cut by the image
# border or hidden by something in front, and often there are others beside it. A keypoint is visible when it lies inside the
# image and nothing is nearer to the camera.

# %%
import numpy as np

from corrlib.data import WORLD

rng = np.random.default_rng(seed)
categories = sorted(rng.choice(data.categories, 12, replace=False).tolist())
page.figure(
    "figurine-scenes",
    plots.scenes(WORLD["seed"], categories, seed),
    """*Figurines*: images of twelve categories, drawn at random, with the boxes and visible keypoints of all their figures. The title names the
    main one.""",
    alt="Twelve rendered scenes, each with the bounding boxes and visible keypoints of its figures drawn in yellow.",
)

# %% [markdown]
# ## The truth, everywhere
#
# Two instances of one category, coloured by the part that each pixel shows and the place on that part. A part has the same
# colour on both; parts far from each other may look alike, as there are more parts than colours the eye can tell apart. Dots of
# one colour mark a pixel of the first and its place on the second, a cross where the second hides that place.

# %%
figure, share = plots.dense_truth(data, category, np.random.default_rng(seed))
page.figure(
    "figurine-truth",
    figure,
    f"""*Figurines*: two instances of {category} and their dense truth. The second shows {100 * share:.0f} % of those pixels of the first whose part it
    has; on the others the place is hidden, turned away or outside the image.""",
    alt="Two instances of one category above their dense truth in colours; dots of equal colour mark corresponding points.",
)

# %% [markdown]
# ## What is in it
#
# Each image on disk has one main object, and sometimes others beside it.

# %%
from corrlib.publishing import tables

page.table(
    "figurine-counts",
    tables.census(data, by_category=False),
    "*Figurines*: the embedded world. A *difficult* object is nearly hidden or very small.",
)

# %% [markdown]
# ## How near it comes to photographs
#
# Colour, contrast and detail are compared with 500 photographs of ImageNet, and the objects with those of PASCAL VOC 2011 for
# three categories. The photographs are not part of this book: their column was measured once, by the same code.

# %%
from corrlib.data import statistics

page.table(
    "figurine-statistics",
    statistics.beside_photographs(data),
    """Images and objects of the dataset (train; of the objects, cows, horses and sheep) beside photographs. Spectra fall with the square of frequency
    or faster: the steeper the slope, the less fine detail. Objects that are marked difficult are left out.""",
    formats=".2f",
)

# %% [markdown]
# ## The network that looks at it
#
# The features come from a network with the geometry of the Caffe reference model and fewer channels. It was trained on whole
# images of figurines with one label each, and its accuracy measured on others. Both sets are rendered from seeds of their own:
# no keypoint, no box and no image of the world above was ever shown to it.

# %%
about, layers = network.metadata, [layer for layer in network.layers if "conv" in layer]
widths = ", ".join(f"{layer} {network.channels(layer)}" for layer in layers)
facts = {
    "channels": f"{widths}, fc6 and fc7 {network.channels('fc7')}",
    "trained by": f"`{about['command']}`",
    "held-out images": f"{int(about['val_images']):,}",
    "top-1 accuracy on them": f"{100 * float(about['accuracy']):.1f} % (chance: 5 %)",
    "digest of the weights": f"`{network.digest}`",
}
page.table(
    "figurine-network",
    [{"property": name, "value": value} for name, value in facts.items()],
    "*Figurines*: the figurine network, as recorded with its weights; a test measures the accuracy again.",
)

# %% [markdown]
# ## Exercises
#
# 1. Set `category = "person"`: which pixels of one pose have no visible counterpart in another?
# 2. Draw a world of your own, `corrlib figurines --out mine --train 20 --val 10 --seed 7`, and run the chapter on
#    [visualization](visualization) on it: `corrlib run visualization -p data_root=mine -o mine.ipynb`.
