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
# A unit of `conv5` sees $163 \times 163$ pixels: most of an image. If its activations said only *what* is somewhere in
# there, and not *where*, they would be useless for correspondence. Section 2 of {cite:t}`long2014` looks at this
# with two pictures, in the spirit of HOGgles {cite:p}`vondrick2013`. Both ask what a feature's **nearest
# neighbours** look like: the places in other images with the most similar features.
#
# The parameters of this chapter:

# %% tags=["parameters"]
layer: str = "conv3"  # whose score the last section reports
k: int = 5  # neighbours that are averaged; 1 is shown beside it
database_images: int = 300  # where neighbours come from, at most
image_id: str = ""  # the image to rebuild; none: three of val
seed: int = 0  # of every draw
data_root: str = ""  # a data set like VOC 2011; none: figurines
weights: str = ""  # a network's file; none: the figurine network

# %% tags=["hide-input"]
import csv
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from myst_nb import glue

from corrlib import convnet, plots, store
from corrlib.datasets import open_dataset
from corrlib.experiments import provenance
from corrlib.experiments.visualization import averages, reconstruction, units

started = time.perf_counter()
data, network = open_dataset(data_root), convnet.load(weights or None)
layers = list(dict.fromkeys([*units.LAYERS, layer]))
ks = sorted({1, k})
database = units.sample(data, "train", database_images, seed=seed)
scored = units.sample(data, "val", 24, seed=seed)
shown = [image_id] if image_id else scored[:3]
glue("tier", data.tier, display=False)
glue("network", f"{network.name}", display=False)
glue("database", f"{len(database)} images", display=False)

# %% [markdown]
# Data tier: **{glue:text}`tier`**; network: {glue:text}`network`; neighbours come from {glue:text}`database` of its
# training split. Every figure and table below is computed from these.
#
# ## How far a unit sees
#
# The receptive field (rf) of a unit is the part of the image that can influence it. Its size and the step from one
# unit to the next follow from the list of layers alone. {numref}`table-rf` computes them from the layers that the
# network really has, so it holds whatever the images are.

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
# Each unit stands for the patch at the centre of its receptive field, as large as the stride: $16 \times 16$ pixels for
# `conv3` to `conv5`, a small part of the $99 \times 99$ to $163 \times 163$ that it sees. Replace each patch by the patch of the
# unit's nearest neighbour, or by the average over a few nearest neighbours, and look at the result. Neighbours are
# found by cosine similarity among all units of the database's images, never in the image itself. The paper's database
# has at least a million units for every layer; `database_images` sets how large this one is (some 5,000 photographs
# of VOC make a million). Images are taken as they are, unless a side is shorter than the network's 227 pixels.
#
# The last column is what could be expected at best if features had discarded all spatial information within their
# receptive fields: patches of the *image itself*, drawn uniformly from the `conv3` receptive field around each place.

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
    center = first[0].centers[tuple(np.array(first[0].centers.shape[:2]) // 2)]
    fields = [box(center, network.receptive_fields[name].size) for name in units.LAYERS]
    patch = box(center, first[0].size)
    return plots.reconstructions([r.image for r in first], columns, covered=covered, patch=patch, fields=fields)


size = len(units.units(data, network, "conv3", database).image)
glue("units", f"{size:,}", display=False)
glue("rebuilt", figure_1(), display=False)
plt.close()

# %% [markdown]
# ```{glue:figure} rebuilt
# :name: figure-rebuilt
# :alt: Images in the left column, with a small yellow square and three nested black squares in the first; beside each, the image rebuilt from nearest neighbour patches of conv3, conv4 and conv5, recognisable but in other colours, and from randomly drawn patches of its own, which are scrambled.
#
# *The paper's Figure 1* (tier: {glue:text}`tier`). Left: the image; the broken line is the part that whole patches cover. In the first, the yellow square is one patch, and the black squares are the receptive fields of conv3, conv4 and conv5 around it. Right: the image rebuilt from nearest neighbours among {glue:text}`units` units of {glue:text}`database` (conv3), and from places of the image drawn uniformly from the conv3 receptive field.
# ```
#
# A unit sees the whole of a black square. Where the rebuilt image still shows the edges and parts of the original,
# its neighbours agree with it about the small yellow one: they come from other images, but from the same place of the
# same kind of thing. As layers deepen, what replaces a patch shares less of its colour and shape, and more of its
# meaning. The scrambled column shows what would be left if a unit knew only what is somewhere in its square.
#
# ## How much is left, as a number
#
# The paper leaves this to the eye. The **detail score** is the correlation between the brightness of the rebuilt
# image and of the original *within* patches: the mean of each patch is taken away first. So it takes no note of how
# bright or of which colour a patch is, only of what is where inside it, which is finer than the stride and much finer
# than the receptive field. It is 1 for the image itself, and near 0 for patches from anywhere nearby. The plain
# correlation of brightness stands beside it. There the uniform column has an advantage that neighbours cannot have:
# its patches have the image's own colours.

# %% tags=["hide-input"]
results = {name: {n: reconstruction.scores([rebuilt[name][i] for i in scored], n) for n in ks} for name in layers}


def spelled(value):
    return "{:.2f} [{:.2f}, {:.2f}]".format(*value)


for name in layers:
    for measure, columns in results[name][k].items():
        for column, value in columns.items():
            glue(f"{name}-{measure}-{column}", spelled(value), display=False)


def series(column):
    return {n: np.stack([results[name][n]["detail"][column] for name in units.LAYERS]) for n in ks}


near = {f"{n}-NN": values for n, values in series("neighbours").items()}
drawn = {f"uniform rf, {n} place{'s' * (n > 1)}": values for n, values in series("uniform").items()}
glue("detail", plots.intervals(units.LAYERS, near, baseline=drawn, label="detail score"), display=False)
plt.close()
glue("k", k, display=False)
glue("scored", len(scored), display=False)

# %% [markdown]
# ```{glue:figure} detail
# :name: figure-detail
# :alt: Detail scores of conv3, conv4 and conv5, for one and for several neighbours, with intervals; grey squares show the uniform column.
#
# *What Figure 1 shows, as a number* (tier: {glue:text}`tier`). Detail scores of images rebuilt from neighbours (circles) and from uniformly drawn places (grey squares): means over {glue:text}`scored` images of val with 95 % bootstrap intervals over images.
# ```
#
# :::{table} *Reconstruction scores* at {glue:text}`k` neighbours (tier: {glue:text}`tier`): mean over {glue:text}`scored` images of val and its 95 % bootstrap interval. The difference is taken image by image.
# :name: table-scores
#
# | layer | detail | detail, uniform rf | difference | plain | plain, uniform rf | difference |
# |---|---|---|---|---|---|---|
# | conv3 | {glue:text}`conv3-detail-neighbours` | {glue:text}`conv3-detail-uniform` | {glue:text}`conv3-detail-difference` | {glue:text}`conv3-similarity-neighbours` | {glue:text}`conv3-similarity-uniform` | {glue:text}`conv3-similarity-difference` |
# | conv4 | {glue:text}`conv4-detail-neighbours` | {glue:text}`conv4-detail-uniform` | {glue:text}`conv4-detail-difference` | {glue:text}`conv4-similarity-neighbours` | {glue:text}`conv4-similarity-uniform` | {glue:text}`conv4-similarity-difference` |
# | conv5 | {glue:text}`conv5-detail-neighbours` | {glue:text}`conv5-detail-uniform` | {glue:text}`conv5-detail-difference` | {glue:text}`conv5-similarity-neighbours` | {glue:text}`conv5-similarity-uniform` | {glue:text}`conv5-similarity-difference` |
# :::
#
# ## One feature at a time
#
# {numref}`figure-averages` takes the view of a feature. It starts from a unit drawn at random, and averages the
# *whole* receptive fields of its nearest neighbours, not only their centres. Where they agree, the average is sharp;
# where they do not, it is grey. They agree in the centre.

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
# :alt: Three blocks for conv3, conv4 and conv5. The top row shows four seed receptive fields each; below, the averages of 1, 5, 25 and 125 neighbours become blurred, and keep a structure in their centres.
#
# *The paper's Figure 2* (tier: {glue:text}`tier`). Receptive fields of random seeds, and averages over those of their nearest neighbours. Contrast is stretched after averaging. Where a neighbour's receptive field reaches outside of its image, it does not count.
# ```
#
# ## With these parameters
#
# A sweep over `layer` and `k` collects what this cell records: `corrlib run visualization -p layer=conv4 -p k=1 -o
# conv4.ipynb`.

# %% tags=["hide-input"]
chosen = results[layer][k]["detail"]
glue("layer", layer, display=False)
glue("score", float(chosen["neighbours"][0]), display=False)
glue("score-uniform", float(chosen["uniform"][0]), display=False)
glue("score-spelled", spelled(chosen["neighbours"]), display=False)
glue("score-uniform-spelled", spelled(chosen["uniform"]), display=False)
parameters = {"layer": layer, "k": k, "database_images": len(database), "seed": seed}
about = provenance(
    data,
    network,
    parameters=parameters,
    module="corrlib.experiments.visualization.reconstruction",
    seconds=time.perf_counter() - started,
)
store.write_result(store.cache_dir() / "results" / f"visualization-{data.tier}.json", results, provenance=about)

# %% [markdown]
# Layer {glue:text}`layer`, {glue:text}`k` neighbours (tier: {glue:text}`tier`): detail score
# {glue:text}`score-spelled`; uniform rf {glue:text}`score-uniform-spelled`.
