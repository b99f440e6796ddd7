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
# # Introduction
#
# Two cats that have never met. You can point at the left ear of one, and at the left ear of the other, without thinking
# about it. That is **correspondence**: knowing which place in one image is the same place in another, across individuals,
# poses and viewpoints. {numref}`figure-joined` has it drawn in.
#
# A convolutional network that was trained to say "cat" was never asked for any of this. It saw whole images and one label for
# each. Its layers pool over ever larger regions. It would be no surprise if *where* things are had been pooled away.
#
# {cite:t}`long2014` asked whether it had. Their answer, at a time when this was far from clear, was no: features learned from
# whole-image labels locate parts much more finely than the regions they see, and serve for matching parts at least as well as
# features that were designed for it. This book makes their paper executable, section by section: its figures and tables are
# computed anew when the book is built, on your machine, with the published numbers, where there are any, beside ours.
#
# The parameters of this page:

# %% tags=["parameters"]
category: str = "cat"  # whose instances are shown
keypoint: str = "L_Eye"  # of it, which units look at
seed: int = 1  # of the pair that is drawn
difficult: bool = True  # whether objects that VOC calls difficult are used
truncated: bool = True  # and those that it calls truncated
data_root: str = ""  # a data set like VOC 2011; none: figurines
weights: str = ""  # a network's file; none: the figurine network

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
from myst_nb import glue

from corrlib import convnet, experiments
from corrlib.data import crops, open_dataset
from corrlib.experiments.alignment import examples
from corrlib.publishing import plots

data = open_dataset(data_root, difficult=difficult, truncated=truncated)
network = convnet.load(weights or None)
glue("origin", experiments.origin(data, network), display=False)
category = category if category in data.categories else data.categories[0]
names = data.keypoint_names(category)
every = crops.visible(data, category, "val")
whole = [every[number] for number in examples.large(every)]
seen = np.stack([np.isfinite(one.keypoints[:, 0]) for one in whole]).astype(int)
common = np.triu(seen @ seen.T, 1)
pairs = np.argwhere(common == common.max())
pair = [whole[n] for n in pairs[np.random.default_rng(seed).integers(len(pairs))]]
shown = [crops.crop(one, 300) for one in pair]
images = [crop.image(data.image(one.image_id)) for crop, one in zip(shown, pair, strict=True)]
points = [crop.points(one.keypoints) for crop, one in zip(shown, pair, strict=True)]
glue("joined", plots.joined(images, points, names), display=False)
plt.close()
texts = {"tier": data.name, "network": network.name, "category": category, "joined-count": int(common.max())}
for name, value in texts.items():
    glue(name, value, display=False)

# %% [markdown]
# ```{glue:figure} joined
# :name: figure-joined
# :alt: Two instances of one category in different poses, colours and views, side by side; coloured lines join the {glue:text}`joined-count` keypoints that both show, such as the eyes, the nose and the paws.
#
# *Correspondence* (tier: {glue:text}`tier`; {glue:text}`category`): two instances, each in its box, warped to a square, and the {glue:text}`joined-count` keypoints that both of them show, joined. L and R are its own left and right, B and F back and front. Nobody drew these lines by what the images look like: they are what the experiments are tested against.
# ```
#
# ## How far a unit sees
#
# A *unit* of a layer looks at a square of the image, its **receptive field** (rf), and from one unit to the next that square
# moves by the **stride**. {numref}`figure-looking` follows one place through the five convolution layers of the network. A
# unit of `conv1` sees too little to know what it looks at. A unit of `conv5` sees a large part of the animal, and there is one
# only every {glue:text}`conv5-stride` pixels: how should *it* know where the eye is? That is the paper's puzzle in one figure.

# %% tags=["hide-input"]
side = convnet.INPUT_SIDE
kind = names.index(keypoint) if keypoint in names else int(np.isfinite(seen).sum(axis=0).argmax())
telling = [
    one for one, row in zip(whole, seen, strict=True) if row[kind] and row.sum() >= seen.sum(axis=1).max() - 1
]
places = [crops.crop(one, side).points(one.keypoints[kind]) for one in telling or whole]
central = int(np.argmin(np.linalg.norm(np.array(places) - side / 2, axis=1)))
image, point = crops.images(data, telling, side)[central], places[central]
boxes, centers = {}, {}
for layer in ("conv1", "conv2", "conv3", "conv4", "conv5"):
    field, shape = network.receptive_fields[layer], network.output_shape((side, side), layer)
    title = f"{layer}: sees {field.size} px,\none every {field.stride} px"
    boxes[title] = field.boxes(shape)[tuple(field.nearest(point, shape))]
    centers[title] = field.centers(shape)
    glue(f"{layer}-size", field.size, display=False)
    glue(f"{layer}-stride", field.stride, display=False)
glue("looking", plots.looking(image, boxes, centers), display=False)
plt.close()
glue("keypoint", names[kind].replace("_", " "), display=False)
glue("side", side, display=False)

# %% [markdown]
# ```{glue:figure} looking
# :name: figure-looking
# :alt: One object five times, covered with ever coarser grids of dots, and on each a yellow square around the same place, from {glue:text}`conv1-size` pixels in conv1 to {glue:text}`conv5-size` of {glue:text}`side` in conv5. Below, what is in each square, enlarged: a few blurred pixels first, then an eye, then the head and part of the body.
#
# *Receptive fields* (tier: {glue:text}`tier`, network {glue:text}`network`). Above: an object, warped to {glue:text}`side` x {glue:text}`side` pixels; a dot for each unit of a layer, and a square around what the unit nearest to the {glue:text}`keypoint` sees: {glue:text}`conv1-size` pixels in conv1, {glue:text}`conv5-size` in conv5. Below: what it sees, enlarged; grey is outside of the square. Sizes and strides are computed from the list of layers.
# ```
#
# ## Four questions
#
# 1. **What does a single feature remember?** Replace each patch of an image by the patches whose features are most similar. If
#    the result still looks like the image, the features knew where things were. That is {doc}`visualization`.
# 2. **Can two instances be brought into alignment** by matching features, while neighbouring places have to move together?
#    That is {doc}`alignment`.
# 3. **Given a place, can its part be named?** A linear classifier sees one feature at a keypoint: left eye, or right? That is
#    {doc}`classification`.
# 4. **Given a part, can its place be found?** Part detectors slide over a box, with and without a prior. That is
#    {doc}`prediction`.
#
# Each is asked of the network's layers and, on the same images, of **SIFT** {cite:p}`lowe1999`, the descriptor that people had
# designed for matching: it counts the directions of edges in a grid of bins around a point. The paper's claims are
# comparisons of the two.
#
# The yardstick is mostly **PCK**, the percentage of correct keypoints. A predicted keypoint is correct if it is closer to the
# true one than $\alpha$ times the longer side of the object's box: on a box 200 pixels wide, 20 pixels at $\alpha = 0.1$, and 5 at
# $\alpha = 0.025$. {doc}`explorer` lets you move $\alpha$ and watch.
#
# ## Tiers of data, always named
#
# The paper used the photographs of PASCAL VOC 2011 {cite:p}`everingham2011`, the keypoints that {cite:t}`bourdev2009` drew on
# them, and the Caffe reference network {cite:p}`jia2014`, a variant of the network of {cite:t}`krizhevsky2012`. Whoever has
# these on disk can point every chapter at them. A book that needs them would be read by few, so there are tiers, and **every
# figure and table says which one it shows**:
#
# figurines
# : The default, and what you see unless a caption says otherwise. {doc}`Figurines <figurines>` are a world that this project's
#   own code draws ({numref}`fig-figurines`): PASCAL's twenty categories as small solid models, with the keypoint names of the
#   Berkeley annotations, in variations of build, pose, pattern, light and view that make matching a real task. The network
#   that looks at them has the geometry of the Caffe reference network with fewer channels, and was trained on whole-image
#   labels of figurines alone. Here the true correspondence of *every* pixel is known.
#
# photos
# : Photographs in the same layout on disk, with the weights of a network trained on photographs. What you see of this tier
#   was recorded once, on a small set of genuine ones, and is shown beside the figurines.
#
# voc2011
# : The paper's own: all twenty categories of VOC 2011 with the Berkeley keypoints. {doc}`voc` says how to get them, and what
#   it takes.
#
# A number measured on figurines is not a number measured on photographs. Where the two agree, that says something about
# features; where they do not, it may say more about the worlds. Compare *methods* within a tier, not numbers across tiers.
#
# ```{figure} images/figurines.jpg
# :name: fig-figurines
# :alt: A grid of twenty rendered objects, one for each PASCAL category from aeroplane to television, in odd colours and patterns before cluttered backgrounds, with coloured dots on keypoints such as ears, wheels and table corners.
#
# One instance of each category of the embedded world, with the keypoints that can be seen (tier: figurines). Most bodies take any colour and pattern: a network has to learn shapes.
# ```
#
# ## How to read a number
#
# A number of ours comes with an interval, as in 50 [45, 55]. It is a 95 % *bootstrap* interval: the same number, computed
# again for many draws of as many instances, with replacement, from those that there are; 95 % of the draws fall between its
# ends. It says how much of a number is the luck of these instances. It says nothing of another world, or another network.
#
# A claim of the paper is judged by such an interval, that of the difference between two methods on the same instances. It
# **holds** if the whole interval is on the claimed side, it **does not hold** if the whole interval is on the other side, and
# otherwise it **cannot be told** from this many instances. (The scoreboard says **holds in order only** where it cannot be told
# and yet all values are on the claimed side.) Text and tables take these words from the code that judged.
#
# The {doc}`scoreboard` has all of it on one page: every number of the paper's Tables 1 to 4 and every claim, published, as
# recorded on photographs, and as measured when this copy of the book was built. Start there if you know the paper, and
# come back to the chapters for the reasons.
#
# ## How to read this book
#
# The code that made a figure stands above it, folded away; click on *Show code cell source* to see it. At the top of each
# page the GitHub mark leads to the source (*Suggest edit*), the arrow downloads the executed notebook, and the rocket opens
# the chapter on a server where you can change and run it. Below each figure and table, in small print, is where it comes
# from: data, network, parameters, version, date and time taken.
#
# Each of the paper's chapters ends with exercises, whose answers are folded. Most change a parameter; the command line does that without
# an editor:
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
