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
# # What a feature remembers
#
# A unit of `conv5` sees $163 \times 163$ pixels: half of the $227 \times 227$ that the network was made for.
# If its activations said only *what* is somewhere in there, and not *where*, they would be useless for
# correspondence. Section 2 of {cite:t}`long2014` looks at this with two pictures, in the spirit of HOGgles
# {cite:p}`vondrick2013`. Both ask what a feature's **nearest neighbours** look like: the places in other
# images with the most similar features.
#
# The parameters of this chapter:

# %% tags=["parameters"]
layer: str = "conv3"  # whose score the last section reports
k: int = 5  # neighbours that are averaged; 1 is shown beside it
database_images: int = 300  # where neighbours come from, at most
image_id: str = ""  # the image to rebuild; none: two of val
seed: int = 0  # of every draw
data_root: str = ""  # a data set like VOC 2011; none: figurines
difficult: bool = True  # whether objects are used that VOC calls difficult
truncated: bool = True  # and those that it calls truncated
weights: str = ""  # a network's file; none: the figurine network

# %% tags=["hide-input"]
import csv
import time
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from myst_nb import glue

from corrlib import cache, convnet, experiments
from corrlib.data import open_dataset
from corrlib.experiments.visualization import averages, reconstruction, units
from corrlib.publishing import plots, tables
from corrlib.publishing.explorer import nearest, page

started = time.perf_counter()
data = open_dataset(data_root, difficult=difficult, truncated=truncated)
network = convnet.load(weights or None)
glue("origin", experiments.origin(data, network), display=False)
layers = list(dict.fromkeys([*units.LAYERS, layer]))
ks = sorted({1, k})
database = units.sample(data, "train", database_images, seed=seed)
scored = units.sample(data, "val", 24, seed=seed)


def area(xyxy):
    return np.prod(xyxy[2:] - xyxy[:2])


objects = [i for name in data.categories for i in data.instances(name, "val")]
largest = {i.image_id: i.box for i in sorted(objects, key=lambda i: area(i.box))}  # an image's largest object
shown = [image_id] if image_id else sorted(scored, key=lambda i: -area(largest.get(i, np.zeros(4))))[:2]
glue("tier", data.name, display=False)
glue("network", f"{network.name}", display=False)
glue("database", f"{len(database)} images", display=False)

# %% [markdown]
# Data tier: **{glue:text}`tier`**; network: **{glue:text}`network`**; neighbours come from
# {glue:text}`database` of its training split. Every figure and table below is computed from these.
#
# ## How far a unit sees
#
# The receptive field (rf) of a unit is the part of the image that can influence it. Its size and the step
# from one unit to the next follow from the list of layers alone. {numref}`table-rf` computes them from the
# layers that the network really has, so it holds whatever the images are.

# %% tags=["hide-input"]
folder = Path("published") if Path("published").is_dir() else Path("book/published")
with open(folder / "table1.csv", newline="") as file:
    published = {row["layer"]: (row["rf_size_px"], row["stride_px"]) for row in csv.DictReader(file)}
for name, (size, stride) in units.table1(network, list(published)).items():
    values = {"size": size, "stride": stride}
    values |= {"paper-size": int(published[name][0]), "paper-stride": int(published[name][1])}
    for key, value in values.items():
        glue(f"{name}-{key}", value, display=False)

# %% [markdown]
# :::{table} *The paper's Table 1.* Sides and strides of the square receptive fields in pixels: published, and computed from the layers of the network (tier: {glue:text}`tier`, network {glue:text}`network`).
# :name: table-rf
#
# | layer | rf size, published | ours | stride, published | ours |
# |---|---|---|---|---|
# | conv1 | {glue:text}`conv1-paper-size` | {glue:text}`conv1-size` | {glue:text}`conv1-paper-stride` | {glue:text}`conv1-stride` |
# | conv2 | {glue:text}`conv2-paper-size` | {glue:text}`conv2-size` | {glue:text}`conv2-paper-stride` | {glue:text}`conv2-stride` |
# | conv3 | {glue:text}`conv3-paper-size` | {glue:text}`conv3-size` | {glue:text}`conv3-paper-stride` | {glue:text}`conv3-stride` |
# | conv4 | {glue:text}`conv4-paper-size` | {glue:text}`conv4-size` | {glue:text}`conv4-paper-stride` | {glue:text}`conv4-stride` |
# | conv5 | {glue:text}`conv5-paper-size` | {glue:text}`conv5-size` | {glue:text}`conv5-paper-stride` | {glue:text}`conv5-stride` |
# | pool5 | {glue:text}`pool5-paper-size` | {glue:text}`pool5-size` | {glue:text}`pool5-paper-stride` | {glue:text}`pool5-stride` |
# :::
#
# ## An image rebuilt from its neighbours
#
# Each unit stands for the patch at the centre of its receptive field, as large as the stride: $16 \times 16$
# pixels for `conv3` to `conv5`, a small part of the $99 \times 99$ to $163 \times 163$ that it sees. Replace
# each patch by the patch of the unit's nearest neighbour, or by the average over a few nearest neighbours,
# and look at the result. Neighbours are found by cosine similarity among all units of the database's images,
# never in the image itself. The paper's database has at least a million units for every layer;
# `database_images` sets how large this one is (some 1,500 photographs of $500 \times 375$ pixels make a
# million). Images are taken as they are, unless a side is shorter than the network's 227 pixels.
#
# The last column of {numref}`figure-rebuilt` is what could be expected at best if features had discarded all
# spatial information within their receptive fields: patches of the *image itself*, drawn uniformly from the
# `conv3` receptive field around each place.

# %% tags=["hide-input"]
wanted = list(dict.fromkeys([*shown, *scored]))
rebuilt = {}
for name in layers:
    found = reconstruction.reconstruct(data, network, name, wanted, database, ks=ks, seed=seed)
    rebuilt[name] = {r.image_id: r for r in found}


def box(center, size):
    return np.concatenate([center - size / 2, center + size / 2])


def figure_1():
    first = [rebuilt["conv3"][name] for name in shown]
    columns = {name: [rebuilt[name][i].neighbours for i in shown] for name in units.LAYERS}
    columns["uniform rf"] = [r.uniform for r in first]
    covered = [np.concatenate([r.centers[0, 0] - r.size / 2, r.centers[-1, -1] + r.size / 2]) for r in first]
    middle = largest.get(shown[0], covered[0]).reshape(2, 2).mean(axis=0)
    centers = first[0].centers.reshape(-1, 2)
    center = centers[np.linalg.norm(centers - middle, axis=1).argmin()]
    fields = [box(center, network.receptive_fields[name].size) for name in units.LAYERS]
    patch = box(center, first[0].size)
    return plots.reconstructions(
        [r.image for r in first], columns, covered=covered, patch=patch, fields=fields
    )


size = len(units.units(data, network, "conv3", database).image)
glue("units", f"{size:,}", display=False)
glue("rebuilt", figure_1(), display=False)
plt.close()

# %% [markdown]
# ```{glue:figure} rebuilt
# :name: figure-rebuilt
# :alt: Images in the left column, with a small yellow square and three nested black squares in the first; beside each, in a row for every number of neighbours, the image rebuilt from nearest neighbour patches of conv3, conv4 and conv5 among {glue:text}`units`, coarse mosaics in other colours, in which outlines are easiest to find under conv3, and from randomly drawn patches of its own, in its own colours but scrambled.
#
# *The paper's Figure 1* (tier: {glue:text}`tier`). Left: of the scored images, those with the largest objects; the broken line is the part that whole patches cover. In the first, the yellow square is one patch, and the black squares are the receptive fields of conv3, conv4 and conv5 around it. Right: the image rebuilt from one nearest neighbour (1-NN) and from the average of several, among {glue:text}`units` units of {glue:text}`database` (conv3), and from as many places of the image itself, drawn uniformly from the conv3 receptive field (uniform rf). View it enlarged.
# ```
#
# A unit sees the whole of a black square. Where the rebuilt image still shows an edge of the original in its
# place, the neighbours, which come from other images, agree with it about the small patch in the middle. The
# scrambled column shows what would be left if a unit knew only what is somewhere in its square.
#
# On figurines, outlines survive in `conv3` and `conv4`, more clearly in the average of five neighbours than
# in one, and few are left in `conv5`. Colours mostly do not survive: in this world they differ from one
# individual to the next. Of photographs the paper notes that replacement becomes "more semantic and less
# visually specific as the layer deepens". The second can be seen here; for the first, the patches are too
# small and their world too odd to tell by eye.
#
# A reader who wants to know where each of these patches comes from can point at it in {numref}`figure-patches`.

# %% tags=["hide-input"]
content = nearest.content(data, network, units.LAYERS, shown[0], database)
alt = "An image with a yellow patch inside of the receptive fields of several layers; beside it, in a row for each layer, the nearest neighbours of the patch."
glue("patches", HTML(page.widget("nearest", content, nearest.picture(content), alt)), display=False)
plt.close()

# %% [markdown]
# ```{glue:figure} patches
# :name: figure-patches
#
# *Nearest neighbours, patch by patch* (tier: {glue:text}`tier`): point at the image, or move by the arrow keys. Yellow: the patch, as large as the stride; what is around it is shown for orientation. Black: the receptive fields, all of which the features saw.
# ```
#
# ## How much is left, as a number
#
# The paper leaves this to the eye. The **detail score** is the correlation between the brightness of the
# rebuilt image and of the original *within* patches: the mean of each patch is taken away first. So it takes
# no note of how bright or of which colour a patch is, only of what is where inside it, which is finer than
# the stride and much finer than the receptive field. It is 1 for the image itself, and near 0 for patches
# from anywhere nearby. The *plain* correlation of brightness stands beside it in {numref}`table-scores`.
# There the uniform column has an advantage that neighbours cannot have: its patches have the image's own
# colours.

# %% tags=["hide-input"]
results = {
    name: {n: reconstruction.scores([rebuilt[name][i] for i in scored], n) for n in ks} for name in layers
}


def details(name):
    found = [rebuilt[name][i] for i in scored]
    return np.array([reconstruction.detail(one.neighbours[k], one.original, one.size) for one in found])


results["deeper"] = {
    f"{one} \u2212 {other}": reconstruction.mean_interval(details(one) - details(other))
    for one, other in pairwise(units.LAYERS)
}


def spelled(value):
    return "{:.2f} [{:.2f},\u00a0{:.2f}]".format(*value).replace("-", "\u2212")


for name in layers:
    for measure, columns in results[name][k].items():
        for column, value in columns.items():
            glue(f"{name}-{measure}-{column}", spelled(value), display=False)


def series(column):
    return {n: np.stack([results[name][n]["detail"][column] for name in units.LAYERS]) for n in ks}


for measure in ("detail", "similarity"):
    gains = {name: results[name][k][measure]["difference"] for name in units.LAYERS}
    ahead = [name for name, (_, low, _) in gains.items() if low > 0]
    behind = [name for name, (*_, high) in gains.items() if high < 0]
    for word, found in dict(ahead=ahead, behind=behind).items():
        glue(f"{word}-{measure}", ", ".join(found) or "none", display=False)
near = {f"{n}-NN": values for n, values in series("neighbours").items()}
drawn = {f"uniform rf, {n} place{'s' * (n > 1)}": values for n, values in series("uniform").items()}
glue("detail", plots.intervals(units.LAYERS, near, baseline=drawn, label="detail score"), display=False)
plt.close()
glue("k", k, display=False)
glue("scored", len(scored), display=False)

# %% [markdown]
# ```{glue:figure} detail
# :name: figure-detail
# :alt: Detail scores of conv3, conv4 and conv5 with intervals, as blue and orange circles for one and for several neighbours; white and grey squares, the same for the three layers, show the uniform column. With {glue:text}`k` neighbours conv3 has {glue:text}`conv3-detail-neighbours`, conv4 {glue:text}`conv4-detail-neighbours`, conv5 {glue:text}`conv5-detail-neighbours`, and the uniform column {glue:text}`conv3-detail-uniform`.
#
# *What Figure 1 shows, as a number* (tier: {glue:text}`tier`). Detail scores of images rebuilt from neighbours (circles) and from uniformly drawn places (squares, the same draws beside each layer): means over {glue:text}`scored` images of val with 95 % bootstrap intervals over images.
# ```
#
# :::{table} *Reconstruction scores* at {glue:text}`k` neighbours (tier: {glue:text}`tier`): means over {glue:text}`scored` images of val and their 95 % bootstrap intervals. A gain is the difference from the uniform column, taken image by image.
# :name: table-scores
#
# | layer | detail | gain | plain | gain |
# |---|---|---|---|---|
# | conv3 | {glue:text}`conv3-detail-neighbours` | {glue:text}`conv3-detail-difference` | {glue:text}`conv3-similarity-neighbours` | {glue:text}`conv3-similarity-difference` |
# | conv4 | {glue:text}`conv4-detail-neighbours` | {glue:text}`conv4-detail-difference` | {glue:text}`conv4-similarity-neighbours` | {glue:text}`conv4-similarity-difference` |
# | conv5 | {glue:text}`conv5-detail-neighbours` | {glue:text}`conv5-detail-difference` | {glue:text}`conv5-similarity-neighbours` | {glue:text}`conv5-similarity-difference` |
# | uniform rf | {glue:text}`conv3-detail-uniform` | | {glue:text}`conv3-similarity-uniform` | |
# :::
#
# More detail than the uniform column, by the whole interval of the gain, have: {glue:text}`ahead-detail` ({numref}`figure-detail`); in
# plain brightness: {glue:text}`ahead-similarity`. Behind it by the whole interval are, in detail, {glue:text}`behind-detail`, and in plain
# brightness {glue:text}`behind-similarity`: neighbours of these tell less of the brightness of a patch than a random place
# nearby does. Of the others, so many images do not tell. What several neighbours share adds up, what is peculiar to one is
# averaged away: compare the circles of one layer.
#
# ## One feature at a time
#
# {numref}`figure-averages` takes the view of a feature. It starts from a unit drawn at random, and averages
# the *whole* receptive fields of its nearest neighbours, not only their centres. Where they agree, a shape
# stays; where they do not, it blurs. They cannot agree to the pixel, since the units are 16 pixels apart. On
# photographs the paper sees similar colours in the centres. On figurines most colours are drawn at random;
# what is left of 125 neighbours is at most a coarse layout of light and dark, such as a band, a body or a
# thing on one side.

# %% tags=["hide-input"]
seeds = units.sample(data, "val", 4, seed=seed + 1)
fields = {
    name: averages.receptive_field_averages(data, network, name, seeds, database, seed=seed)
    for name in units.LAYERS
}
glue("averages", plots.receptive_fields(fields), display=False)
plt.close()

# %% [markdown]
# ```{glue:figure} averages
# :name: figure-averages
# :alt: Three blocks for conv3, conv4 and conv5. The top row of each shows four seed receptive fields; below, the averages of 1, 5, 25 and 125 neighbours become ever more blurred, until only coarse light and dark shapes are left.
#
# *The paper's Figure 2* (tier: {glue:text}`tier`). Receptive fields of random seeds, one in each of four images of val, and averages over those of their nearest neighbours. Contrast is stretched after averaging. Where a neighbour's receptive field reaches outside of its image, it does not count: a single one is grey there, and averages have seams. All are drawn at one size.
# ```
#
# ## With these parameters
#
# To compare layers or numbers of neighbours, run the chapter again with other values and read the scores
# below:
#
# ```bash
# corrlib run visualization -p layer=conv4 -p k=1 -o conv4.ipynb
# ```

# %% tags=["hide-input"]
chosen = results[layer][k]["detail"]
glue("layer", layer, display=False)
glue("score", float(chosen["neighbours"][0]), display=False)
glue("single-spelled", spelled(results[layer][1]["detail"]["neighbours"]), display=False)
glue("score-uniform", float(chosen["uniform"][0]), display=False)
glue("score-spelled", spelled(chosen["neighbours"]), display=False)
glue("score-uniform-spelled", spelled(chosen["uniform"]), display=False)
parameters = {"layer": layer, "k": k, "database_images": len(database), "seed": seed}
about = experiments.provenance(
    data,
    network,
    parameters=parameters,
    module="corrlib.experiments.visualization.reconstruction",
    seconds=time.perf_counter() - started,
)
results["table 1"] = units.table1(network, list(published))
cache.write_result(tables.results() / f"visualization-{data.name}.json", results, provenance=about)

# %% [markdown]
# Layer {glue:text}`layer`, {glue:text}`k` neighbours (tier: {glue:text}`tier`): detail score
# {glue:text}`score-spelled`; uniform rf {glue:text}`score-uniform-spelled`.
#
# ## Exercises
#
# Commands are run in the project's folder; a notebook that they write opens in Jupyter. Try an answer of your own before you
# unfold ours.
#
# :::{admonition} 1. One neighbour, five, many
# :class: tip
# Average over more neighbours than the paper does:
#
# ```bash
# corrlib run visualization -p k=25 -o k25.ipynb
# ```
#
# The rebuilt images get smoother. Does the *detail score* of the last section fall, too?
# :::
#
# :::{admonition} What to look for
# :class: dropdown
# Here, with {glue:text}`k` neighbours, {glue:text}`layer` scores {glue:text}`score-spelled`, and with a single one
# {glue:text}`single-spelled`. The score is a correlation: it does not care how strong the contrast within a patch is, only
# where it is light and dark. An average keeps what neighbours have in common and loses contrast. So blur alone costs
# nothing; only neighbours that disagree about the place of an edge do.
# :::
#
# :::{admonition} 2. A smaller world to look into
# :class: tip
# Search in 75 images only:
#
# ```bash
# corrlib run visualization -p database_images=75 -o fewer.ipynb
# ```
#
# Compare the score with {glue:text}`score-spelled`, that of {glue:text}`database`. What would you expect of the paper's million patches?
# :::
#
# :::{admonition} What to look for
# :class: dropdown
# Nearest neighbours can only get nearer when there are more to choose from. If the interval of your score lies below the one
# above, this page's images are limited by their database, and the paper's, of more than a million patches a layer, are less so;
# if the two overlap, size is not what limits them, and the features are. {numref}`figure-rebuilt` says how many patches there are here.
# :::
#
# :::{admonition} 3. A shallower layer
# :class: tip
# `conv2` sees half as far as `conv3`, and has a unit every 8 pixels:
#
# ```bash
# corrlib run visualization -p layer=conv2 -o conv2.ipynb
# ```
#
# Its score is in the last section. Is it fair to put it beside that of `conv3`?
# :::
#
# :::{admonition} What to look for
# :class: dropdown
# Patches are as large as the stride, so those of `conv2` are $8 \times 8$ pixels. The detail score takes away the mean of each
# patch, so it judges something finer here: what is where within 8 pixels instead of 16. Layers of one stride (`conv3` to
# `conv5`) can be compared with each other, and each layer with the uniform column of its own figure.
# :::
#
# :::{admonition} 4. To think about
# :class: tip
# Suppose that a feature knew exactly *what* is in its central patch, and nothing of where in the patch it is. What would its
# detail score be? And that of a feature which knows places up to four pixels?
# :::
#
# :::{admonition} An answer
# :class: dropdown
# The first is rebuilt from patches with the right content in the wrong places: within a patch light and dark are as likely to
# coincide as not, and the score is near 0, as it nearly is for uniform draws ({glue:text}`conv3-detail-uniform`). The second keeps what is
# coarser than four pixels, such as a long edge or a light half of a patch, and loses texture. That is a number between, and to
# measure it you could shift each patch of the image itself by up to four pixels: nobody has to find neighbours for that.
# :::
