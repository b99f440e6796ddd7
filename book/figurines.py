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
# # The figurine world
#
# The paper's photographs carry some ten annotated points each: enough to score a method, too few to see what
# it does everywhere else. Beside them this book has a world of its own, in which the question *which point of
# this horse is that point of the other horse?* has an exact answer for every pixel, because the horses are
# ours. A figurine is a short list of solid primitives (ellipsoids, boxes, cones, pipes) placed by a random
# generator; a point of a primitive's surface is the same point on every instance of the category. It has
# PASCAL's twenty categories and the names of the Berkeley keypoints, and lies on disk in the layout of VOC
# 2011 with the Berkeley annotations, so that one reader reads both.
#
# It is **not** a substitute for photographs. It shows that every experiment of the paper runs and means
# something, in a world where the answers can be checked; what it says about natural images is another matter,
# and every table says which world it was measured in.

# %% tags=["parameters"]
category: str = "horse"  # whose dense correspondence is drawn
seed: int = 0  # which portraits and scenes are shown

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown
from myst_nb import glue

from corrlib import convnet, experiments, figurines
from corrlib.data import WORLD, open_dataset

data = open_dataset()
glue("origin", experiments.origin(data), display=False)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## Twenty categories
#
# {numref}`figurine-portraits` shows every subtype at least twice. Proportions, joints, colours and patterns
# vary within a category, and most bodies take any colour and pattern. Some materials keep their colour
# (leaves are green, tyres dark, skin and wood brownish); clutter is made of the same, so that no colour or
# texture alone gives a category away.


# %% tags=["hide-input"]
def portraits():
    size, views = 110, 8
    canvas = np.full((20 * size, views * size, 3), 235, np.uint8)
    for row, (name, model) in enumerate(figurines.CATEGORIES.items()):
        for k in range(views):
            azimuth, spread, _ = model.views[(k + k // len(model.subtypes)) % len(model.views)]
            view = {
                "azimuth": azimuth + spread * rng.uniform(-1, 1),
                "elevation": rng.uniform(*model.elevation),
            }
            picture = figurines.portrait(
                name, subtype=model.subtypes[k % len(model.subtypes)], seed=seed + k, size=size, **view
            )
            canvas[row * size : (row + 1) * size, k * size : (k + 1) * size] = picture
    figure, axes = plt.subplots(figsize=(7, 15.5), layout="constrained")
    axes.imshow(canvas)
    axes.set_yticks((np.arange(20) + 0.5) * size, list(figurines.CATEGORIES))
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


glue("figurine-portraits", portraits(), display=False)
plt.close()

# %% [markdown]
# ```{glue:figure} figurine-portraits
# :name: figurine-portraits
# :alt: A sheet of twenty rows, one for each PASCAL category from aeroplane to tvmonitor, with eight rendered figures in each, of different build, pose, view, colour and pattern.
#
# *Figurines.* Eight portraits of each category.
# ```
#
# ## Scenes
#
# A scene places a figure before a background of ground and sky with 1/f texture, among clutter that is made
# of the same primitives ({numref}`figurine-scenes`). The figure is sometimes cut by the image border or
# hidden by something in front, and sometimes there are others beside it. A keypoint is visible when it lies
# inside the image and nothing is nearer to the camera.


# %% tags=["hide-input"]
def scenes(names):
    figure, axes = plt.subplots(3, 4, figsize=(11, 8), layout="constrained")
    for ax, name in zip(axes.flat, names, strict=True):
        scene = figurines.instance(WORLD["seed"], name, seed)
        ax.imshow(scene.image)
        for thing in scene.things:
            points = np.array([p for k, p in thing.keypoints.items() if thing.visible[k]]).reshape(-1, 2)
            ax.plot(*points.T, "o", ms=3.5, mfc="#ffd21f", mec="black", mew=0.6)
            x0, y0, x1, y1 = thing.box
            ax.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color="#ffd21f", lw=1)
        ax.set_title(name, fontsize=9)
        ax.axis("off")
    return figure


chosen = sorted(rng.choice(list(figurines.CATEGORIES), 12, replace=False).tolist())
glue("figurine-scenes", scenes(chosen), display=False)
plt.close()

# %% [markdown]
# ```{glue:figure} figurine-scenes
# :name: figurine-scenes
# :alt: Twelve rendered scenes, each with the bounding boxes and visible keypoints of its figures drawn in yellow.
#
# *Figurines.* Images of twelve categories, drawn at random, with the boxes and visible keypoints of all their figures. The title names the main one.
# ```
#
# ## The truth, everywhere
#
# {numref}`figurine-truth` colours two instances of one category by the part that each pixel shows and the
# place on that part. A part has the same colour on both; parts far from each other may look alike, as there
# are more parts than colours the eye can tell apart. Dots of one colour mark a pixel of the first and its
# place on the second, a cross where the second hides that place.


# %% tags=["hide-input"]
def coloured(truth):
    hue = (np.arange(256) * 0.381966) % 1
    base = plt.get_cmap("hsv")(hue[truth.part])[..., :3]
    shade = 0.62 + 0.38 * np.clip(truth.unit, -1, 1).mean(-1, keepdims=True)
    return np.where((truth.owner == 1)[..., None], base * shade, 1.0)


def correspondence(first, second):
    names = [figurines.image_id(category, k) for k in (first, second)]
    truths = [figurines.read_truth(data.root, name) for name in names]
    points, visible = figurines.correspond(*truths)
    rows, columns = np.nonzero(np.isfinite(points[..., 0]))
    hidden = ~visible[rows, columns]
    order = rng.permutation(len(rows))
    some = np.concatenate([order[~hidden[order]][:12], order[hidden[order]][:4]])
    figure, axes = plt.subplots(2, 2, figsize=(9, 6.8), layout="constrained")
    for column, (name, truth) in enumerate(zip(names, truths, strict=True)):
        axes[0, column].imshow(data.image(name))
        axes[1, column].imshow(coloured(truth))
        y, x = np.nonzero(truth.owner == 1)
        for ax in axes[:, column]:
            ax.set(xlim=(x.min() - 8, x.max() + 8), ylim=(y.max() + 8, y.min() - 8))
    for ax in axes.flat:
        ax.axis("off")
    for number, (r, c) in enumerate(zip(rows[some], columns[some], strict=True)):
        colour = plt.get_cmap("tab20")(number)
        style = {"ms": 7, "mew": 1.2, "mec": "black", "color": colour}
        axes[0, 0].plot(c, r, "o", **style)
        axes[0, 1].plot(*points[r, c], "o" if visible[r, c] else "X", **style)
    return figure, visible[np.isfinite(points[..., 0])].mean()


figure, share = correspondence(0, 1)
glue("figurine-truth", figure, display=False)
glue("figurine-covisible", f"{100 * share:.0f} %", display=False)
plt.close()

# %% [markdown]
# ```{glue:figure} figurine-truth
# :name: figurine-truth
# :alt: Two instances of one category above their dense truth in colours; dots of equal colour mark corresponding points.
#
# *Figurines.* Two instances and their dense truth. The second shows {glue:text}`figurine-covisible` of those
# pixels of the first whose part it has; on the others the place is hidden, turned away or outside of the
# image.
# ```
#
# ## What is in it
#
# {numref}`figurine-counts` counts the images on disk, which have one main object each and sometimes others
# beside it.

# %% tags=["hide-input"]
rows = [
    "| split | images | objects | truncated | difficult | visible keypoints |",
    "|---|---|---|---|---|---|",
]
for split in ("train", "val"):
    found = [i for c in data.categories for i in data.instances(c, split)]
    numbers = (
        len(data.image_ids(split)),
        len(found),
        sum(i.truncated for i in found),
        sum(i.difficult for i in found),
        sum(int(np.isfinite(i.keypoints[:, 0]).sum()) for i in found),
    )
    rows.append(f"| {split} | " + " | ".join(f"{n:,}" for n in numbers) + " |")
glue("figurine-counts", Markdown("\n".join(rows)), display=False)

# %% [markdown]
# ````{table} *Figurines.* The embedded world. A *difficult* object is nearly hidden or very small.
# :name: figurine-counts
#
# ```{glue:md} figurine-counts
# :format: myst
# ```
# ````
#
# ## The network that looks at it
#
# The features come from a network with the geometry of the Caffe reference model and fewer channels
# ({numref}`figurine-network`). It was trained on whole images of figurines with one label each, and its
# accuracy measured on others. Both sets are rendered from seeds of their own: no keypoint, no box and no
# image of the world above was ever shown to it.

# %% tags=["hide-input"]
network = convnet.load()
about = network.metadata
widths = ", ".join(
    f"{layer} {network.channels(layer)}" for layer in network.receptive_fields if "conv" in layer
)
facts = {
    "channels": f"{widths}, fc6 and fc7 {network.channels('fc7')}",
    "trained by": f"`{about['command']}`",
    "held-out images": f"{int(about['val_images']):,}",
    "top-1 accuracy on them": f"{100 * float(about['accuracy']):.1f} % (chance: 5 %)",
    "digest of the weights": f"`{network.digest}`",
}
rows = ["| property | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items())]
glue("figurine-network", Markdown("\n".join(rows)), display=False)

# %% [markdown]
# ````{table} *Figurines.* The figurine network, as recorded with its weights; a test measures the accuracy anew.
# :name: figurine-network
#
# ```{glue:md} figurine-network
# :format: myst
# ```
# ````
#
# ```{admonition} Exercises
# :class: tip
# 1. Set `category = "person"`: which pixels of one pose have no visible counterpart in another?
# 2. Draw a world of your own, `corrlib figurines --out mine --train 20 --val 10 --seed 7`, and run
#    {doc}`visualization` on it: `corrlib run visualization -p data_root=mine -o mine.ipynb`.
# ```
