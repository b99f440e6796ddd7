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
# The paper's photographs have some ten annotated points each. These are enough to score a method, but too few to see what it does
# everywhere else. This book therefore also has a synthetic world, in which the question *which point of this horse corresponds to
# that point of the other horse?* has an exact answer for every pixel, because the horses are rendered. A figurine is a short list of
# solid primitives (ellipsoids, boxes, cones, pipes) placed by a random generator. A point on the surface of a primitive is the same
# point on every instance of the category. The world has PASCAL's twenty categories and the names of the Berkeley keypoints. It is
# stored in the layout of VOC 2011 with the Berkeley annotations, so that the same code reads both.
#
# It is **not** a substitute for photographs. It shows that every experiment of the paper runs and gives meaningful results in a
# world where the answers can be checked. What this implies for natural images is another question, and every figure and table names
# the dataset that it was measured on.

# %% tags=["parameters"]
category: str = "horse"  # category whose dense correspondence is drawn
seed: int = 0  # seed for choosing the portraits and scenes shown

# %%
from corrlib.publishing import page

data, network = page.setup({})

# %% [markdown]
# ## Twenty categories
#
# Proportions, joints, poses, colours and patterns vary within a category. All categories share one palette, with the hues,
# saturation and lightness of photographs, and a few simple materials: fur, feathers, cloth, paint, glass, metal, wood and leaves.
# As in photographs, a material can rule a category out (nothing furry is painted), but no colour identifies one.

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
# A scene is a field, a street, water, the sky or a room: a ground in perspective below sky or wall, with 1/f texture. The main
# object stands on it among clutter that is made of the same primitives, lit by a sun or a lamp and by the sky, with soft shadows. As
# in photographs, the surroundings often suggest the category (boats on water, sofas in rooms). An object is often cut by the image
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
    """*Scenes of figurines*: images of twelve categories, with the boxes and visible keypoints of all objects in them. Of three images drawn at random for
    each category, the one with the largest main object, which the title names, is shown.""",
    alt="Twelve rendered scenes, each with the bounding boxes and visible keypoints of its objects drawn in yellow.",
)

# %% [markdown]
# ## Dense ground truth
#
# The figure shows two instances of one category, coloured by the part that each pixel shows and by the place on that part. A part
# has the same colour on both instances. Parts far from each other may look alike, because there are more parts than distinguishable
# colours. Two dots of the same colour mark a pixel of the first instance and its place on the second; a cross replaces the dot where
# that place is hidden or outside the image.

# %%
figure, share = plots.dense_truth(data, category, np.random.default_rng(seed))
page.figure(
    "figurine-truth",
    figure,
    f"""*Figurines*: two instances of the category {category} and their dense ground truth. Of the pixels of the first instance whose part the second one
    has, {100 * share:.0f} % are visible in the second. The other places are hidden, turned away or outside the image.""",
    alt="Two instances of one category above their dense truth in colours; dots of equal colour mark corresponding points.",
)

# %% [markdown]
# ## Size of the dataset
#
# Each image has one main object, and some images have others beside it.

# %%
from corrlib.publishing import tables

page.table(
    "figurine-counts",
    tables.census(data, by_category=False),
    """*Figurines*: the dataset that comes with this book. *Used* are the objects with a visible keypoint; *outside* are the keypoints outside the box. A
    *difficult* object is nearly hidden or very small.""",
)

# %% [markdown]
# ## The figurines beside photographs
#
# Colour, contrast and detail are compared with 500 photographs of ImageNet, and the objects with those of PASCAL VOC 2011 for
# three categories. The photographs are not part of this book: their column was measured once, by the same code. Chroma is the
# difference between the largest and the smallest of red, green and blue. The side of a box is the square root of its area, in units
# of that of its image. The spread of a keypoint is the standard deviation of its place in the box, in units of the box's sides.

# %%
from corrlib.data import statistics

page.table(
    "figurine-statistics",
    statistics.beside_photographs(data),
    """Images and objects of the dataset (train; of the objects, cows, horses and sheep) beside photographs. The slope is that of the
    power spectrum: the steeper it is, the less fine detail. Objects that are marked difficult are left out.""",
    formats=".2f",
)

# %% [markdown]
# Two baselines only copy keypoints from a training object and use no alignment and no detector: the paper's NN transfer, and the
# prior of its section 5 without any detector. They measure how much
# the poses, views and proportions of objects vary. Here training objects copy from other training objects, which shows how hard
# the dataset is without using the validation set.

# %%
from corrlib import metrics
from corrlib.experiments import alignment, prediction
from corrlib.publishing import scoreboard

copied = []
baselines = {
    "NN transfer": (alignment.copy_errors, alignment.Settings(), scoreboard.recorded("alignment")),
    "prior alone": (prediction.copy_errors, prediction.Settings(), scoreboard.recorded("prediction")),
}
for baseline, (errors, settings, photos) in baselines.items():
    alpha, resolved = settings.alpha, settings.resolve(data, network)
    ours = dict(zip(resolved.categories, errors(data, network, resolved, split="train"), strict=True))
    same = [name for name in ("cow", "horse", "sheep") if name in ours] or list(ours)
    row = {"baseline": baseline, "twenty categories": metrics.estimate(list(ours.values()), [alpha])[0]}
    row["these three"] = metrics.estimate([ours[category] for category in same], [alpha])[0]
    row["photographs of the three"] = np.array(photos.values["means"][baseline][0])
    copied.append({name: value if name == "baseline" else 100 * value for name, value in row.items()})
page.table(
    "figurine-baselines",
    copied,
    f"""*Copied keypoints* of *figurines* (training objects of all categories, and of {", ".join(same)}) and of photographs (as recorded on the val objects of the
    same three): PCK at alpha = {alpha:g} in percent with 95 % bootstrap intervals. *NN transfer* copies from the neighbour by a descriptor that ignores places, the *prior
    alone* from the neighbour by a descriptor that encodes them.""",
)

# %% [markdown]
# ## The figurine network
#
# The features come from a network with the geometry of the Caffe reference model and fewer channels. It was trained on whole images
# of figurines with one label each, and its accuracy was measured on other images. Both sets are rendered from seeds of their own: the
# network was never shown a keypoint, a box or an image of the world above.

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
    "*Figurines*: the properties of the figurine network, as recorded with its weights. A test measures the accuracy again.",
)

# %% [markdown]
# How much of the results is due to this network? It has few channels, and has seen neither a thousand classes nor a million images.
# The same experiments on figurines were therefore recorded with the convolution layers of AlexNet, which was trained on photographs
# (`ci/record_figurines.py`).

# %%
from corrlib.publishing import results

record = results.read(results.project() / "results" / "figurines-alexnet.json")
about, aligned = record["provenance"], record["values"]["aligned"]
page.table(
    "figurine-others",
    [
        {
            "number": row["number"],
            "figurine network": row["ours"][0],
            "figurine network \u2212 SIFT": row["ours"][1],
            "AlexNet": row["other"][0],
            "AlexNet \u2212 SIFT": row["other"][1],
        }
        for row in record["values"]["rows"]
    ],
    f"""*Two networks on figurines*: accuracy in percent (the paper's Table 3, minus SIFT of radius 40) and PCK in percent (the paper's Table 2, minus SIFT flow over the same
    neighbours; the categories {", ".join(aligned)}, on which beta was chosen for this table, too), with 95 % bootstrap intervals. Each network finds its own neighbours.""",
    source=f"recorded on figurines {about['data'][:8]}, network {about['network']} {about['weights'][:8]}; commit {about['commit']}",
)

# %% [markdown]
# In classification, `conv4` is still behind SIFT with AlexNet, but the gap is much smaller, so most of it is due to the figurine
# network. In alignment, each network finds its own neighbours. With those of AlexNet, the difference between `conv4` flow and SIFT
# flow on these four categories is too small to resolve, partly because SIFT flow itself is less accurate with them.
#
# ## Exercises
#
# 1. Choose another category: `corrlib run figurines -p category=person -o person.ipynb`. Which pixels of one pose have no visible
#    counterpart in another? (Those of an arm in front of the body, for example.)
# 2. Render a dataset of your own, `corrlib figurines --out mine --train 20 --val 10 --seed 7`, and run the chapter on
#    [visualization](visualization) on it: `corrlib run visualization -p data_root=mine -o mine.ipynb`.
