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
# A unit of `conv5` sees $163 \times 163$ pixels, half the area of the $227 \times 227$ pixels that the network was trained on. If its
# activations encoded only *what* is somewhere in that region, and not *where* it is, they would be useless for correspondence.
# Section 2 of {cite:t}`long2014` examines this with two figures, in the spirit of HOGgles {cite:p}`vondrick2013`. Both show the
# **nearest neighbours** of a feature, that is, the places in other images whose features are most similar.

# %% tags=["parameters"]
layer: str = "conv3"  # layer whose score the takeaway reports
k: int = 5  # number of neighbours that are averaged; a single neighbour is shown, too
database_images: int = 600  # maximum number of training images in which neighbours are searched
image_id: str = ""  # the image to show; empty: two validation images, as the caption says
seed: int = 0  # seed for all random choices
data_root: str = ""  # folder of a dataset in the layout of VOC 2011; empty: the figurines
difficult: bool = True  # use objects that VOC marks as difficult
truncated: bool = True  # use objects that VOC marks as truncated
weights: str = ""  # file with the weights of a network, or timm:NAME@FILE; empty: the figurine network

# %%
from corrlib.experiments import visualization
from corrlib.publishing import page

data, network, settings = page.setup(globals(), visualization.Settings)

# %%
from corrlib.publishing import results, scoreboard, tables

photos = scoreboard.recorded("visualization")
largest = max(photos.values["scores"]["conv3"], key=int)
beyond = {
    name: tables.formatted(each[largest]["detail"]["difference"], ".2f")
    for name, each in photos.values["scores"].items()
}
page.text(f"""
**The answer here.** On the paper's photographs, images rebuilt from neighbours preserve more detail than images rebuilt from random places nearby: the
correlation with the original within small patches is higher by {beyond["conv3"]} for conv3, {beyond["conv4"]} for conv4 and {beyond["conv5"]} for conv5. Results on {data.name}
follow, and the takeaway at the end sums them up. Neighbours come from {settings.database_images} images of the training set.
""")

# %% [markdown]
# ## Receptive fields
#
# The receptive field (rf) of a unit is the part of the image that can influence it. Its size and the stride from one unit to the
# next follow from the list of layers alone. Here they are computed from the layers of the network in use; they do not depend on the
# images.

# %%
published = results.published("table1")
table_1 = visualization.table_1(network, [row["layer"] for row in published])
page.table(
    "rf",
    tables.receptive_fields(table_1, published),
    f"""*The paper's Table 1.* Sides and strides of the square receptive fields in pixels, as published and as computed from the layers of the network
    that is used on {data.name} ({network.name}).""",
)

# %% [markdown]
# ## Images rebuilt from nearest neighbours
#
# Each unit represents the patch at the centre of its receptive field. The side of the patch is the stride: $16 \times 16$ pixels
# for `conv3` to `conv5`, a small part of the $99 \times 99$ to $163 \times 163$ pixels that a unit sees. Each patch is replaced by
# the patch of the unit's nearest neighbour, or by the average over its nearest neighbours. These are found by cosine similarity
# among all units of the images in a database, never in the image itself. The paper's database has at least a million units for
# every layer. `database_images` sets the size of the database used here (about 1,500 photographs of $500 \times 375$ pixels have a
# million units). Images are used at their original size, unless a side is shorter than the 227 pixels of the network's input.
#
# *Uniform rf* is the best result that could be expected if features discarded all spatial information within
# their receptive fields: patches of the *image itself*, drawn uniformly from the `conv3` receptive field around each place.

# %%
from corrlib.experiments.visualization import units
from corrlib.publishing import plots

rebuilt = {name: visualization.reconstruct(data, network, settings, name) for name in settings.layers}
patches = len(units.units(data, network, "conv3", visualization.database(data, settings)).image)
size = f"{patches:,} units of each layer"
page.text(f"Here, neighbours are searched among {size} (conv3, conv4 and conv5 have the same grid).")

# %%
shown = visualization.shown(data, settings)
pictures = {name: [rebuilt[name][i] for i in shown] for name in visualization.LAYERS}
points = [visualization.part(data, i, pictures["conv3"][0].size) for i in shown]
rule = """two validation images: of those that contain a single, whole object, the one with the largest object that shows a wheel, and the one with the
    largest object that shows an eye"""
page.figure(
    "rebuilt",
    plots.reconstructions(
        pictures, [network.receptive_fields[name].size for name in visualization.LAYERS], points
    ),
    f"""*The paper's Figure 1* on {data.name}, with {image_id or rule}. Images are shown as far as whole
    patches cover them. In the first image, the yellow square is one patch, and the black squares with white edges are the receptive fields of conv3, conv4
    and conv5 around it. To the right of an image, it is rebuilt from places of its own, drawn uniformly from the conv3 receptive field around each patch (uniform rf); below,
    from one nearest neighbour of each patch (1-NN) and from the average of {k}. The next figure enlarges the blue squares.""",
    alt=f"""Three columns of pictures. At the top left is an image with a small yellow square and three nested black squares, followed by the image rebuilt
    from randomly drawn patches of its own: in its own colours but scrambled. Below are the images rebuilt from nearest neighbour patches of conv3, conv4 and
    conv5, in one row for a single neighbour and one for the average of {k}: mosaics in other colours. Another image follows in the same way.""",
)

# %%
page.figure(
    "parts",
    plots.parts(pictures, points),
    f"""*A part of each image, and what replaces it* on {data.name}: the blue squares of the previous figure. Left: a part of the image, centred on a
    wheel centre or an eye of its largest object (of those visible, the one whose patch has the highest contrast). Right: the same place rebuilt from
    neighbours, and from uniformly drawn places of the image itself.""",
    alt=f"""For each image, an enlarged square part of it, such as a wheel or an eye. Beside it are the same squares of the rebuilt images, in columns for
    conv3, conv4, conv5 and uniform rf, and in rows for 1 and {k} neighbours.""",
)

# %% [markdown]
# A unit sees everything in a black square. Where the rebuilt image still shows an edge of the original in its place, the
# neighbours, which come from other images, agree with the original in the small patch at the centre. The scrambled images (uniform
# rf) show what would remain if a unit encoded only what is somewhere in its receptive field.
#
# How much detail survives at each layer is measured [below](#figure-detail). Colours need not survive where they differ from one
# individual to the next. For photographs, the paper notes that replacement becomes "more semantic and less visually
# specific as the layer deepens". The scores test whether it becomes less visually specific; whether it becomes more semantic is left
# to the reader's eye.
#
# For the first image, the next figure shows the nearest neighbours of each patch, with their surroundings.

# %%
from corrlib.publishing import explorer

page.figure(
    "patches",
    explorer.nearest(data, network, settings, shown[0]),
    f"""*Nearest neighbours of each patch* on {data.name}: point at the image, or use the arrow keys. Yellow: the patch, whose side is the stride, shown
    with its surroundings. Black with a white edge: the receptive fields; a feature depends on everything within its field. In each row, below each of the {k}
    neighbours: the category of the object at that place, and the cosine similarity of the two features.""",
)

# %% [markdown]
# ## Scores
#
# The paper compares the images by eye. The **detail score** measures the similarity: it is the correlation between the brightness
# of the rebuilt image and that of the original *within* patches, after subtracting the mean of each patch. It ignores the mean
# brightness and the colour of a patch, and compares where light and dark lie inside it. It is one correlation over the whole image, so
# that patches of high contrast count most. Its scale is finer than the stride, and much finer than the receptive field. The score is
# 1 for the image itself, and near 0 for patches from random places nearby. The *plain* correlation of brightness is given for comparison. In it, uniform rf has an advantage that neighbours cannot have:
# its patches have the colours of the image itself.

# %%
measured = {name: [each[i] for i in visualization.scored(data, settings)] for name, each in rebuilt.items()}
scores = {name: {n: visualization.scores(each, n) for n in settings.ks} for name, each in measured.items()}
details = {name: tables.formatted(each[k]["detail"]["neighbors"], ".2f") for name, each in scores.items()}
uniform = tables.formatted(scores["conv3"][k]["detail"]["uniform"], ".2f")
page.figure(
    "detail",
    plots.detail_scores(scores),
    f"""*Detail scores* of images of {data.name} rebuilt from neighbours (circles) and from uniformly drawn places (squares; the same draws are shown beside
    each layer): means over {len(measured["conv3"])} validation images with 95 % bootstrap intervals over images.""",
    alt=f"""Detail scores of conv3, conv4 and conv5 with intervals, as blue and orange circles for one and for several neighbours. White and grey
    squares, the same for the three layers, show uniform rf. With {k} neighbours, the scores are {details["conv3"]} for conv3,
    {details["conv4"]} for conv4, {details["conv5"]} for conv5, and {uniform} for uniform rf.""",
)

# %%
page.table(
    "scores",
    tables.reconstruction_scores({name: each[k] for name, each in scores.items()}),
    f"""*Reconstruction scores* at k = {k} on {data.name}: means over {len(measured["conv3"])} validation images with 95 % bootstrap intervals. Differences
    are from uniform rf, image by image.""",
    formats=".3f",
)


# %%
def beyond_zero(measure, sign):
    ends = {name: sign * scores[name][k][measure]["difference"][1:] for name in visualization.LAYERS}
    return tables.words([name for name, values in ends.items() if (values > 0).all()])


differences = visualization.differences(measured, k)
page.text(f"""
On {data.name}, the detail score is higher than that of uniform rf, by the whole interval, for {beyond_zero("detail", 1)}, and lower for
{beyond_zero("detail", -1)}. The plain correlation is higher for {beyond_zero("similarity", 1)}, and lower for {beyond_zero("similarity", -1)}: at such a layer,
neighbours predict the brightness of a patch less well than a random place nearby does. Of the paper's claims that these scores test,
{scoreboard.summary(differences)} on {data.name}: see the [scoreboard](scoreboard).

The average reinforces what several neighbours have in common, and removes what is peculiar to one of them: compare the circles of one layer.
""")

# %%
page.table(
    "scores-photos",
    tables.reconstruction_scores({name: each[largest] for name, each in photos.values["scores"].items()}),
    f"*The same scores on photographs* (three categories of PASCAL VOC 2011, see the [scoreboard](scoreboard)), as recorded by this chapter at k = {largest}.",
    formats=".2f",
    source=photos.source,
)

# %% [markdown]
# ## Averages of receptive fields
#
# Figure 2 of the paper starts from a single unit, drawn at random, and averages the *whole* receptive fields of its nearest
# neighbours, not only their centres. Where the neighbours agree, a shape remains; where they do not, the average blurs. They cannot
# agree to the pixel, because the units are 16 pixels apart.

# %%
averages = {
    name: visualization.receptive_field_averages(data, network, settings, name)
    for name in visualization.LAYERS
}
page.figure(
    "averages",
    plots.receptive_fields(averages, network.receptive_fields["conv3"].stride),
    f"""*The paper's Figure 2* on {data.name}. Top row: receptive fields of random seed units, one in each of two validation images, at the same places for
    the three layers. Below: averages over the receptive fields of their nearest neighbours. Yellow: the patch at the centre, whose side is the stride.
    Contrast is stretched after averaging. Pixels of a receptive field that lie outside its image do not count, so a single neighbour is grey there, and
    averages have seams. All receptive fields are drawn at the same size.""",
    alt="""Three blocks for conv3, conv4 and conv5, with a small yellow square in the middle of each picture. The top row of each block shows two seed
    receptive fields. Below, the averages of 1, 5, 25 and 125 neighbours become increasingly blurred.""",
)

# %% [markdown]
# According to the paper, "similar features tend to respond to similar colors specifically in the centers of their receptive fields".
# To test this, compare a patch of a unit's receptive field with the patch at the same place in the field of another unit.
# **Agreement** is $1 - d / d_0$, where $d$ is the mean squared difference of a property of the two patches (their mean colour, or their brightness gradient) if the other unit is a nearest
# neighbour, and $d_0$ if it is a random unit of the database. It is 1 if neighbours are identical at that place, and 0 if they are
# no more similar than random units. It is measured at the *centre* of the receptive field and at its *rim*, where eight patches
# touch the corners and the middles of the sides from inside. If neighbours agreed equally well everywhere in their receptive
# fields, the two would be equal.

# %%
from corrlib.experiments.visualization import centers

compared = len(centers.compared(data, settings))
agreements = {name: visualization.agreement(data, network, settings, name) for name in visualization.LAYERS}
page.table(
    "agreement",
    tables.agreement(agreements),
    f"""*Agreement of units with their {k} nearest neighbours* on {data.name}, of the mean colour of a patch and of its brightness gradient (direction and
    strength), at the centre and at the rim of receptive fields: means over {compared} validation images with 95 % bootstrap intervals. In each image, up to
    {centers.SEEDS} units are drawn at random whose receptive fields lie inside it.""",
    formats=".2f",
)

# %%
similar = visualization.similar_colours(agreements)
page.text(f"""
Judged by the differences of colour at the three layers, the paper's claim is *{scoreboard.verdict("similar-colours", similar)}* on {data.name}: see the
[scoreboard](scoreboard). Brightness gradients, which the paper does not mention, are compared in the same way.
""")

# %% [markdown]
# ## Takeaway

# %%
chosen = {n: each["detail"] for n, each in scores[layer].items()}
score = tables.formatted(chosen[k]["neighbors"], ".2f")
page.numbers({"score": chosen[k]["neighbors"], "score-uniform": chosen[k]["uniform"]})
claims = differences | similar
page.save({"rf": table_1, "scores": scores, "agreement": agreements, "claims": claims})
page.text(f"""
On {data.name}, images rebuilt from {k} nearest neighbours by {layer} have a detail score of {score}, against {tables.formatted(chosen[k]["uniform"], ".2f")}
for random places nearby (uniform rf). The paper claims that units encode more
than what is somewhere in their receptive field, that deeper layers preserve less detail, and that similar features have similar colours specifically in the
centres of their receptive fields. Of these claims, {scoreboard.summary(claims)} on {data.name}. [Ten years later](#table-networks-random) shows how high
these scores are with random weights, that is, without any learning.

To compare layers or numbers of neighbours, run the chapter with other values: `corrlib run visualization -p layer=conv4 -p k=1 -o conv4.ipynb`.
""")

# %% [markdown]
# ## Exercises
#
# Run the commands in the project's folder. The notebooks that they write can be opened in Jupyter.
#
# **1. More neighbours.** Average over more neighbours than the paper does:
#
# ```bash
# corrlib run visualization -p k=25 -o k25.ipynb
# ```
#
# The rebuilt images become smoother. Does the *detail score* in the takeaway fall, too?

# %%
from corrlib.publishing import exercises

more = exercises.detail(data, network, settings, layer, k=25)["neighbors"]
page.text(f"""
<details>
<summary>Answer</summary>

Here, {layer} scores {score} with k = {k}, {tables.formatted(chosen[1]["neighbors"], ".2f")} with a single neighbour, and
{tables.formatted(more, ".2f")} with k = 25: from k = {k} to 25 it {"rises" if more[0] > chosen[k]["neighbors"][0] else "does not rise"}. An average keeps what
neighbours have in common, cancels what is peculiar to each, and loses contrast. A loss of contrast that is the same in all patches does not lower the score.
Averaging would lower it if neighbours disagreed about the location of an edge, or if some patches lost more contrast than others.

</details>
""")

# %% [markdown]
# **2. A smaller database.** Search for neighbours in 75 images only:
#
# ```bash
# corrlib run visualization -p database_images=75 -o fewer.ipynb
# ```
#
# Compare its score with the one above. What would you expect with the paper's million patches?

# %%
page.text(f"""
<details>
<summary>Answer</summary>

Here the score is {score}, with {settings.database_images} images, which have {size}; with 75 images it is
{tables.formatted(exercises.detail(data, network, settings, layer, database_images=75)["neighbors"], ".2f")}. Nearest neighbours can only become nearer when there are more candidates. If
the second interval lies below the first, the size of the database limits the scores on this page, and it would limit those of the paper less, with more
than a million patches per layer. If the two overlap, this comparison cannot tell: the differences would have to be taken image by image.

</details>
""")

# %% [markdown]
# **3. A shallower layer.** The receptive field of `conv2` is half as large as that of `conv3`, and there is a unit every 8 pixels:
#
# ```bash
# corrlib run visualization -p layer=conv2 -o conv2.ipynb
# ```
#
# Its score is in the takeaway. Is it fair to compare it with that of `conv3`?
#
# <details>
# <summary>What to look for</summary>
#
# The side of a patch is the stride, so the patches of `conv2` have $8 \times 8$ pixels. The detail score subtracts the mean of each
# patch, so here it measures detail at a finer scale: where things are within 8 pixels instead of 16. Layers with the same stride
# (`conv3` to `conv5`) can be compared with each other, and each layer with uniform rf in its own figure.
#
# </details>
#
# **4. To think about.** Suppose that a feature encoded exactly *what* is in its central patch, but not where in the patch it is.
# What would its detail score be? What would be the score of a feature that encodes locations to within four pixels?

# %%
page.text(f"""
<details>
<summary>An answer</summary>

With the first feature, images are rebuilt from patches with the right content in the wrong places. Within a patch, light and dark then coincide only by chance,
and the score is near 0, similar to that of uniform draws ({uniform}). The second feature keeps structure that is coarser than four pixels, such as a long edge or
the light half of a patch, and loses texture. Its score lies in between. It can be measured without any neighbours: shift each patch of the image itself by up
to four pixels.

</details>
""")
