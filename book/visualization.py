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
# # What a feature remembers
#
# A unit of `conv5` sees $163 \times 163$ pixels, half of the area of the $227 \times 227$ that the network was trained on. If its
# activations said only *what* is somewhere in that region, and not *where*, they would be useless for correspondence. Section 2
# of {cite:t}`long2014` examines this with two figures, in the spirit of HOGgles {cite:p}`vondrick2013`. Both show what the
# **nearest neighbours** of a feature look like: the places in other images whose features are most similar.

# %% tags=["parameters"]
layer: str = "conv3"  # whose score the last section reports
k: int = 5  # neighbours that are averaged; 1 is shown beside it
database_images: int = 300  # that neighbours come from, at most
image_id: str = ""  # the image to show; empty: two validation images
seed: int = 0  # of every draw
data_root: str = ""  # a dataset like VOC 2011; empty: figurines
difficult: bool = True  # use objects that VOC calls difficult
truncated: bool = True  # and those that it calls truncated
weights: str = ""  # a network's file; empty: the figurine network

# %%
from corrlib.experiments import visualization
from corrlib.publishing import page

data, network, settings = page.setup(globals(), visualization.Settings)
page.text(f"Neighbours come from {settings.database_images} images of the training set.")

# %% [markdown]
# ## Receptive fields
#
# The receptive field (rf) of a unit is the part of the image that can influence it. Its size, and the stride from one unit to
# the next, follow from the list of layers alone. They are computed here from the layers of the network in use, so they do not
# depend on the images.

# %%
from corrlib.publishing import results, tables

published = results.published("table1")
table_1 = visualization.table_1(network, [row["layer"] for row in published])
page.table(
    "rf",
    tables.receptive_fields(table_1, published),
    f"""*The paper's Table 1.* Sides and strides of the square receptive fields in pixels: published, and computed from the layers of the network
    ({network.name}, which is used on {data.name}).""",
)

# %% [markdown]
# ## Images rebuilt from nearest neighbours
#
# Each unit stands for the patch at the centre of its receptive field, as large as the stride: $16 \times 16$ pixels for `conv3`
# to `conv5`, a small part of the $99 \times 99$ to $163 \times 163$ that it sees. Each patch is replaced by the patch of the
# unit's nearest neighbour, or by the average over its nearest neighbours. These are found by cosine similarity among all units of
# the images of the database, never in the image itself. The database of the paper has at least a million units for every layer;
# `database_images` sets the size of this one (about 1,500 photographs of $500 \times 375$ pixels have a million). Images are used
# at their own size, unless a side is shorter than the 227 pixels of the network's input.
#
# The last column of the figure is the best that could be expected if features had discarded all spatial information within
# their receptive fields: patches of the *image itself*, drawn uniformly from the `conv3` receptive field around each place.

# %%
from corrlib.experiments.visualization import units
from corrlib.publishing import plots

shown = visualization.shown(data, settings)
rebuilt = {name: visualization.reconstruct(data, network, settings, name) for name in settings.layers}
patches = len(units.units(data, network, "conv3", visualization.database(data, settings)).image)
size = f"{patches:,} units of conv3"
page.figure(
    "rebuilt",
    plots.reconstructions(
        {name: [rebuilt[name][i] for i in shown] for name in visualization.LAYERS},
        [network.receptive_fields[name].size for name in visualization.LAYERS],
        visualization.object_center(data, shown[0]),
    ),
    f"""*The paper's Figure 1* on {data.name}. Left: {image_id or "the scored images with the largest objects"}; the broken line surrounds the part
    that whole patches cover. In the first, the yellow square is one patch, and the black squares are the receptive fields of conv3, conv4 and conv5
    around it. Right: the image rebuilt from one nearest neighbour (1-NN) and from the average of {k}, among {size} in {settings.database_images}
    images, and from as many places of the image itself, drawn uniformly from the conv3 receptive field (uniform rf). Best viewed enlarged.""",
    alt=f"""Images in the left column, with a small yellow square and three nested black squares in the first; beside each, in a row per number of
    neighbours, the image rebuilt from nearest neighbour patches of conv3, conv4 and conv5 among {size}, coarse mosaics in other colours, and
    from randomly drawn patches of its own, in its own colours but scrambled.""",
)

# %% [markdown]
# A unit sees the whole of a black square. Where the rebuilt image still shows an edge of the original in its place, the
# neighbours, which come from other images, agree with it about the small patch in the middle. The scrambled column shows what
# would be left if a unit only knew what is somewhere in its receptive field.
#
# How much of an edge survives at which layer is measured [below](#figure-detail). Colours need not survive on figurines, where they
# differ from one individual to the next. Of photographs the paper notes that replacement becomes "more semantic and less visually
# specific as the layer deepens". The scores test the second; the first is left to the eye.
#
# The next figure shows where each of these patches comes from.

# %%
from corrlib.publishing import explorer

page.figure(
    "patches",
    explorer.nearest(data, network, settings, shown[0]),
    f"""*Nearest neighbours of each patch* on {data.name}: point at the image, or use the arrow keys. Yellow: the patch, as large as the stride, shown
    with its surroundings. Black: the receptive fields, all of which the features saw.""",
)

# %% [markdown]
# ## Scores
#
# The paper leaves the comparison to the eye. The **detail score** measures it: the correlation between the brightness of the
# rebuilt image and that of the original *within* patches, after subtracting the mean of each patch. It ignores how bright or of
# which colour a patch is, and depends only on where things are inside it, which is finer than the stride and much finer than the
# receptive field. It is 1 for the image itself, and near 0 for patches from anywhere nearby. The *plain* correlation of
# brightness is given for comparison. There, the uniform column has an advantage that neighbours cannot have: its patches have the
# colours of the image itself.

# %%
measured = {name: [each[i] for i in visualization.scored(data, settings)] for name, each in rebuilt.items()}
scores = {name: {n: visualization.scores(each, n) for n in settings.ks} for name, each in measured.items()}
details = {name: tables.formatted(each[k]["detail"]["neighbors"], ".2f") for name, each in scores.items()}
uniform = tables.formatted(scores["conv3"][k]["detail"]["uniform"], ".2f")
page.figure(
    "detail",
    plots.detail_scores(scores),
    f"""*Detail scores* of images of {data.name} rebuilt from neighbours (circles) and from uniformly drawn places (squares, the same draws beside
    each layer): means over {len(measured["conv3"])} validation images with 95 % bootstrap intervals over images.""",
    alt=f"""Detail scores of conv3, conv4 and conv5 with intervals, as blue and orange circles for one and for several neighbours; white and grey
    squares, the same for the three layers, show the uniform column. With {k} neighbours conv3 has {details["conv3"]}, conv4 {details["conv4"]},
    conv5 {details["conv5"]}, and the uniform column {uniform}.""",
)

# %%
page.table(
    "scores",
    tables.reconstruction_scores({name: each[k] for name, each in scores.items()}),
    f"""*Reconstruction scores* at k = {k} on {data.name}: means over {len(measured["conv3"])} validation images and their 95 % bootstrap intervals. A
    difference is that from the uniform column, taken image by image.""",
    formats=".2f",
)

# %%
from corrlib.publishing import scoreboard


def beyond_zero(measure, sign):
    ends = {name: sign * scores[name][k][measure]["difference"][1:] for name in visualization.LAYERS}
    return ", ".join(name for name, values in ends.items() if (values > 0).all()) or "none"


differences = visualization.differences(measured, k)
page.text(f"""
The interval of the difference lies entirely above zero for {beyond_zero("detail", 1)} in detail and for {beyond_zero("similarity", 1)} in plain correlation. It
lies entirely below zero for {beyond_zero("detail", -1)} in detail and for {beyond_zero("similarity", -1)} in plain correlation: there, neighbours predict the
brightness of a patch less well than a random place nearby. For the other layers, this number of images is too small to decide. Of the paper's claims
that these scores test, {scoreboard.summary(differences)}: see the [scoreboard](scoreboard).

What several neighbours have in common is reinforced by the average, and what is peculiar to one is averaged out: compare the circles of one layer.
""")

# %% [markdown]
# ## Averages of receptive fields
#
# Figure 2 of the paper starts from a single unit, drawn at random, and averages the *whole* receptive fields of its nearest
# neighbours, not only their centres. Where they agree, a shape remains; where they do not, it blurs. They cannot agree to the
# pixel, since the units are 16 pixels apart. On photographs the paper sees similar colours in the centres. On figurines most
# colours are drawn at random; what remains of 125 neighbours is at most a coarse layout of light and dark, such as a band, a
# body, or an object on one side.

# %%
averages = {
    name: visualization.receptive_field_averages(data, network, settings, name)
    for name in visualization.LAYERS
}
page.figure(
    "averages",
    plots.receptive_fields(averages),
    f"""*The paper's Figure 2* on {data.name}. Receptive fields of random seeds, one in each of four validation images, and averages over those of
    their nearest neighbours. Contrast is stretched after averaging. Pixels of a receptive field outside its image do not count: a single neighbour is
    grey there, and averages have seams. All are drawn at one size.""",
    alt="""Three blocks for conv3, conv4 and conv5. The top row of each shows four seed receptive fields; below, the averages of 1, 5, 25 and 125
    neighbours become ever more blurred, until only coarse light and dark shapes are left.""",
)

# %% [markdown]
# ## Takeaway

# %%
chosen = {n: each["detail"] for n, each in scores[layer].items()}
score = tables.formatted(chosen[k]["neighbors"], ".2f")
page.numbers({"score": chosen[k]["neighbors"], "score-uniform": chosen[k]["uniform"]})
page.save({"rf": table_1, "scores": scores, "claims": differences})
page.text(f"""
{layer}, k = {k}, on {data.name}: detail score {score}; uniform rf {tables.formatted(chosen[k]["uniform"], ".2f")}. Of the claims that
units keep more than what is somewhere in their receptive field, and less the deeper the layer is, {scoreboard.summary(differences)}.

To compare layers or numbers of neighbours, run the chapter with other values: `corrlib run visualization -p layer=conv4 -p k=1 -o conv4.ipynb`.
""")

# %% [markdown]
# ## Exercises
#
# Run the commands in the project's folder; a notebook that they write opens in Jupyter.
#
# **1. One neighbour, five, many.** Average over more neighbours than the paper does:
#
# ```bash
# corrlib run visualization -p k=25 -o k25.ipynb
# ```
#
# The rebuilt images get smoother. Does the *detail score* of the last section fall, too?

# %%
page.text(f"""
<details>
<summary>What to look for</summary>

Here, with k = {k}, {layer} scores {score}, and with a single neighbour {tables.formatted(chosen[1]["neighbors"], ".2f")}. The score is a correlation: it
depends on where a patch is light and dark, and not on how strong the contrast within it is. An average keeps what neighbours have in common and loses
contrast. So blur alone costs nothing; only neighbours that disagree about the place of an edge do.

</details>
""")

# %% [markdown]
# **2. A smaller database.** Search in 75 images only:
#
# ```bash
# corrlib run visualization -p database_images=75 -o fewer.ipynb
# ```
#
# Compare its score with the one above. What would you expect of the paper's million patches?

# %%
page.text(f"""
<details>
<summary>What to look for</summary>

Here the score is {score}, with {settings.database_images} images. Nearest neighbours can only get nearer when there are more to choose from. If the interval
of your score lies below this one, the scores of this page are limited by their database, and those of the paper, with more than a million patches per
layer, less so; if the two overlap, they are limited by the features, not by the size of the database. There are {size} here.

</details>
""")

# %% [markdown]
# **3. A shallower layer.** The receptive field of `conv2` is half as large as that of `conv3`, and there is a unit every 8 pixels:
#
# ```bash
# corrlib run visualization -p layer=conv2 -o conv2.ipynb
# ```
#
# Its score is in the last section. Is it fair to compare it with that of `conv3`?
#
# <details>
# <summary>What to look for</summary>
#
# Patches are as large as the stride, so those of `conv2` are $8 \times 8$ pixels. The detail score subtracts the mean of each
# patch, so it measures something finer here: where things are within 8 pixels instead of 16. Layers of the same stride (`conv3`
# to `conv5`) can be compared with each other, and each layer with the uniform column of its own figure.
#
# </details>
#
# **4. To think about.** Suppose that a feature knew exactly *what* is in its central patch, and nothing of where in the patch it
# is. What would its detail score be? And that of a feature which knows places to within four pixels?

# %%
page.text(f"""
<details>
<summary>An answer</summary>

The first is rebuilt from patches with the right content in the wrong places: within a patch, light and dark coincide no more often than not, and the score is
near 0, as it nearly is for uniform draws ({uniform}). The second keeps what is coarser than four pixels, such as a long edge or the light half of a
patch, and loses texture. Its score is in between, and can be measured without any neighbours: shift each patch of the image itself by up to four pixels.

</details>
""")
