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
drawn: int = 24  # images, of which the one with the largest object is shown
seed: int = 0  # of the images that are drawn
data_root: str = ""  # a data set like VOC 2011; none: figurines
weights: str = ""  # a network's file; none: the figurine network

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
from IPython.display import HTML
from myst_nb import glue

from corrlib import convnet, experiments
from corrlib.data import open_dataset
from corrlib.experiments.visualization import units
from corrlib.publishing.explorer import aligned, nearest, page, places, tolerances, truths

data, network = open_dataset(data_root), convnet.load(weights or None)
glue("origin", experiments.origin(data, network), display=False)
chapter = aligned.chapter(data, network)
how = chapter.how
shown = [name for name in ("cat", *chapter.studied) if name in data.categories]
shown = list(dict.fromkeys(shown))[:4]
texts = dict(tier=data.name, network=network.name, step=truths.STEP, size=how["size"], top=chapter.top)
texts |= dict(pairs=how["count"], retrieval=how["retrieval_layer"], drawn=drawn)
texts |= {f"beta-{kind.split()[0].lower()}": f"{beta:g}" for kind, beta in chapter.beta.items()}
for name, value in texts.items():
    glue(name, value, display=False)

# %% [markdown]
# Data tier: **{glue:text}`tier`**; network: **{glue:text}`network`**. Flows are those of {doc}`alignment`, with its beta of
# {glue:text}`beta-convnet` for convnet features and of {glue:text}`beta-sift` for SIFT.
#
# ## Follow a point
#
# At the left is an object of val, at the right the five training instances of its category that look most alike (in
# {glue:text}`retrieval`), all warped to squares. Where does the point go? A circle says where flow by convnet features
# leads, a square where SIFT flow does, and a cross where it truly is: of figurines that is known for every pixel.

# %% tags=["hide-input"]
kinds = {name: chapter.kinds(name) for name in shown}
alt = "An object with a point on it, and five neighbours with the places where convnet flow and SIFT flow lead and the true ones."
glue("places", HTML(places.explorer(data, network, kinds, chapter.chosen, alt, **how)), display=False)
plt.close()

# %% [markdown]
# ```{glue:figure} places
# :name: figure-places
#
# *Where a point goes* (tier: {glue:text}`tier`). Below each neighbour, how far each flow is from the truth, in pixels of the square of {glue:text}`size`. The truth is rounded to pixels and known in steps of {glue:text}`step`; a pale cross is where the point would be seen if nothing hid it. Of each category the largest whole object of the first few; of some, flows by other layers and radii can be chosen.
# ```
#
# - Follow an outline slowly. Do the marks move along with the point, or do they rush ahead somewhere? There the features
#   have overruled the smoothness term.
# - Move onto something that is there only once, such as a wheel's hub or a nose; then onto the middle of a plain surface,
#   where all places look alike. Which of the marks stay with the cross?
# - Choose a shallower layer, then a deeper one, then a larger radius of SIFT. {numref}`figure-features` is the average of
#   what you see.
# - Find a neighbour that is turned the other way. Does either of the flows notice?
#
# ## How close is close enough?
#
# A predicted keypoint is correct if it is closer to the true one than $\alpha$ times the longer side of the box; in the
# warped square, if it lies within the ellipse. Move the slider: keypoints turn green (circles) or red (crosses), and the
# marks on the curves, which are of all objects of val, go along.

# %% tags=["hide-input"]
world = (data, network, list(data.categories))
content = tolerances.content(*world, shown, chapter.methods, top=chapter.top, **how)
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
# Point at a patch of the image. Each row shows its nearest neighbours among the patches of {glue:text}`database` images, by the
# features of one layer. A unit sees all of its black square. What its neighbours have in common is what it keeps of that.

# %% tags=["hide-input"]
image_id = nearest.largest(data, units.sample(data, "val", drawn, seed=seed))
database = units.sample(data, "train", database_images, seed=seed)
glue("database", len(database), display=False)
content = nearest.content(data, network, units.LAYERS, image_id, database, k=k)
alt = "An image with a yellow patch within three nested receptive fields; beside it, for each layer, the neighbours of the patch."
glue("nearest", HTML(page.widget("nearest", content, nearest.picture(content), alt)), display=False)
plt.close()

# %% [markdown]
# ```{glue:figure} nearest
# :name: figure-nearest
#
# *Nearest neighbours of a patch* (tier: {glue:text}`tier`; of {glue:text}`drawn` images of val the one with the largest object, which is also in {numref}`figure-rebuilt`). Yellow: the patch, as large as the stride; what is around it is shown for orientation. Black: the receptive fields.
# ```
