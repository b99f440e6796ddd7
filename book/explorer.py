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
# # Try it yourself
#
# The chapters' tables are averages over thousands of points. Here you point at one of them. Everything was computed
# beforehand, when this book was built; nothing is asked of any server, and the page works from disk. Move with the mouse,
# with a finger, or with the arrow keys once the picture has the focus (Tab); a click holds the point where it is.
#
# The parameters of this page:

# %% tags=["parameters"]
database_images: int = 300  # where the neighbours of patches come from
k: int = 5  # neighbours of a patch
seed: int = 0  # of the images that are drawn
data_root: str = ""  # a data set like VOC 2011; none: figurines
weights: str = ""  # a network's file; none: the figurine network

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
from IPython.display import HTML
from myst_nb import glue

from corrlib import convnet, store
from corrlib.datasets import open_dataset
from corrlib.experiments.alignment import studies
from corrlib.experiments.visualization import units
from corrlib.explorer import nearest, page, places, tolerances

data, network = open_dataset(data_root), convnet.load(weights or None)
record = store.read_result(store.cache_dir() / "results" / f"alignment-{data.tier}.json")
used, betas = record["provenance"]["parameters"], list(record["values"]["beta"].values())
how = {name: used[name] for name in ("count", "retrieval_layer", "size", "solver", "iterations")}
conv, radius, size = "conv4" if used["layer"] == "sift" else used["layer"], used["radius"], used["size"]
every = {
    "convnet flow": {name: dict(feature=name, beta=betas[0]) for name in studies.LAYERS},
    "SIFT flow": {f"radius {r:g}": dict(feature=r, beta=betas[1]) for r in studies.RADII},
}
main = {"convnet flow": conv, "SIFT flow": f"radius {radius:g}"}
own = {f"{conv} flow": dict(feature=conv, beta=betas[0]), "SIFT flow": dict(feature=radius, beta=betas[1])}
few = {kind: {main[kind]: one} for kind, one in zip(main, own.values(), strict=True)}
studied = record["values"]["some"]  # the categories that chapter 2 aligned by every feature
shown = list(dict.fromkeys([*(c for c in ("cat",) if c in data.categories), *studied]))[:4]
texts = dict(tier=data.tier, network=network.name, step=places.STEP, size=size, drawn=nearest.DRAWN)
texts |= dict(pairs=used["count"], top=used["top"])
for name, value in texts.items():
    glue(name, value, display=False)
for name, value in dict(conv=betas[0], sift=betas[1]).items():
    glue(f"beta-{name}", f"{value:g}", display=False)

# %% [markdown]
# Data tier: **{glue:text}`tier`**; network: **{glue:text}`network`**. Flows are those of {doc}`alignment`: by
# convnet features with beta {glue:text}`beta-conv`, by SIFT with {glue:text}`beta-sift`, as there.
#
# ## Follow a point
#
# At the left is an object of val, at the right the five training instances of its category that look most alike (in
# `fc7`), all warped to squares. Where does the point go? A circle says where flow by convnet features leads, a
# square where SIFT flow does, and a cross where it truly is.

# %% tags=["hide-input"]
cases = [
    places.example(data, network, c, {k: few[k] | (every[k] if c in studied else {}) for k in few}, **how)
    for c in shown
]
content = places.content(cases, network, main, size)
alt = "An object with a point on it, and five neighbours with the places where convnet flow and SIFT flow lead and the true ones."
glue("places", HTML(page.widget("places", content, places.picture(cases, network, main), alt)), display=False)
plt.close()

# %% [markdown]
# ```{glue:figure} places
# :name: figure-places
#
# *Where a point goes* (tier: {glue:text}`tier`). Beside each neighbour, how far each flow is from the truth, in pixels of the {glue:text}`size` pixel square. The truth is that of the nearest {glue:text}`step` pixels; a pale cross is where the point would be if something did not hide it. Of objects that are whole, the largest of the first few.
# ```
#
# - Follow an outline slowly. Do the marks move along with the point, or do they jump? A jump is a place where the smoothness
#   term gave way.
# - Move onto something that is there only once, such as a wheel's hub or a nose; then onto the middle of a plain surface.
#   Which features know the first, and who has to guess the second?
# - Choose a shallower layer, then a deeper one, then a larger radius of SIFT. {numref}`figure-features` is the average of
#   what you see.
# - Find a neighbour that is turned the other way. Which of the flows notices?
#
# ## How close is close enough?
#
# A predicted keypoint is correct if it is closer to the true one than $\alpha$ times the longer side of the box: in the
# warped square, if it lies within the ellipse. Move the slider. The marks on the curves go along; the curves are means
# over all keypoints of all objects of val.

# %% tags=["hide-input"]
pairs = dict(how, top=used["top"])
content = tolerances.content(data, network, list(data.categories), shown, own, **pairs)
alt = "An object with ellipses around its keypoints and the predicted ones, correct or wrong; beside it the curves of mean PCK against alpha."
glue("tolerances", HTML(page.widget("tolerances", content, tolerances.picture(content), alt)), display=False)
plt.close()

# %% [markdown]
# ```{glue:figure} tolerances
# :name: figure-tolerances
#
# *Keypoints at a tolerance* (tier: {glue:text}`tier`): each is the median of those that the {glue:text}`top` least deformed of {glue:text}`pairs` aligned neighbours transfer (NN transfer: of the most similar, as they are). A line leads from a keypoint to where it was predicted. The curves are those of {numref}`figure-pck`.
# ```
#
# - At which $\alpha$ is the last keypoint of an object correct? Which keypoint is it, and would you have known?
# - Where are the curves furthest apart, and where do they meet? The paper reports three tolerances of all these.
#
# ## What a feature takes for the same
#
# Point at a patch of the image. Each row shows its nearest neighbours among the patches of the database by the features of one layer. A
# unit sees all of its black square; what its neighbours share is what it keeps of that.

# %% tags=["hide-input"]
content = nearest.content(data, network, units.LAYERS, database_images=database_images, k=k, seed=seed)
alt = "An image with a yellow patch within three nested receptive fields; beside it, for each layer, the neighbours of the patch."
glue("nearest", HTML(page.widget("nearest", content, nearest.picture(content), alt)), display=False)
plt.close()

# %% [markdown]
# ```{glue:figure} nearest
# :name: figure-nearest
#
# *Nearest neighbours of a patch* (tier: {glue:text}`tier`; of {glue:text}`drawn` images of val the one with the largest object, which is also in {numref}`figure-rebuilt`). Yellow: the patch, as large as the stride; what is around it is shown for orientation. Black: the receptive fields.
# ```
