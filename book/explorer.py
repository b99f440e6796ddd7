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
# The chapters' tables are averages over thousands of points. Here you point at one of them. Everything was computed when this
# book was built; no server is asked, and the page works from disk. Move the mouse over a picture, tap it or draw a finger
# sideways across it, or press Tab and the arrow keys. A click holds the point where it is.

# %% tags=["parameters", "hide-input"]
database_images: int = 300  # where the neighbours of patches come from
k: int = 5  # neighbours of a patch
seed: int = 0  # of the images that are drawn
data_root: str = ""  # a dataset like VOC 2011; empty: figurines
weights: str = ""  # a network's file; empty: the figurine network

# %%
from corrlib.experiments import alignment
from corrlib.publishing import page

data, network, settings = page.setup({"data_root": data_root, "weights": weights}, alignment.Settings)
betas, _ = alignment.validate(data, network, settings)

# %%
page.text(f"""
Flows are those of the chapter on [alignment](alignment), with its parameters: beta is {" and ".join(f"{beta:g} for {method}" for method, beta in betas.items())}.
""")

# %% [markdown]
# ## Follow a point
#
# At the left is a validation object, at the right the five training objects of its category that look most alike, all warped
# to squares. Where does the point go? A circle marks where convnet flow leads, a square where SIFT flow does, and a cross where
# it truly is: of figurines that is known for every pixel.

# %%
from corrlib.publishing import explorer
from corrlib.publishing.explorer import truths

shown = list(dict.fromkeys([*alignment.few(settings).categories, *settings.categories]))[:4]
page.figure(
    "places",
    explorer.places(data, network, settings, shown, betas, every_feature=True),
    f"""*Where a point goes* ({data.name}). Below each neighbour, how far each flow is from the truth, in pixels of the crop of {settings.size}. The truth is
    rounded to pixels and known in steps of {truths.STEP}; a pale cross marks where the point would be seen if nothing hid it. Neighbours are found by
    {settings.retrieval_layer}. Of each category the largest whole object of the first few is shown; of some, flows by other layers and radii can be chosen.""",
)

# %% [markdown]
# - Follow an outline slowly. Do the marks move along with the point, or do they run ahead somewhere? There the features have
#   overruled the smoothness term.
# - Move to something that is there only once, such as a wheel's hub or a nose; then to the middle of a plain surface, where all
#   places look alike. Which of the marks stay with the cross?
# - Choose a shallower layer, then a deeper one, then a larger radius of SIFT. The figure of
#   [every layer and every radius](#figure-features) is the average of what you see.
# - Find a neighbour that is turned the other way. Does either of the flows notice?
#
# ## How close is close enough?
#
# A predicted keypoint is correct if it is closer to the true one than $\alpha$ times the longer side of the box; in the crop, if
# it lies within the ellipse. Move the slider: keypoints turn green (circles) or red (crosses), and the marks on the curves, which
# are of all validation objects, move along.

# %%
page.figure(
    "tolerances",
    explorer.tolerances(data, network, settings, shown, betas),
    f"""*Keypoints at a tolerance* ({data.name}): each is the median of those that the {settings.top} least deformed of {settings.neighbors} aligned neighbours
    transfer (NN transfer: that of the most similar, as it is). A line leads from a keypoint to where it was predicted. The curves are those of
    [PCK at every tolerance](#figure-pck).""",
)

# %% [markdown]
# - At which $\alpha$ is the last keypoint of an object correct? Which keypoint is it, and would you have known?
# - Where are the curves furthest apart, and where do they meet? The paper reports three tolerances of all these.
#
# ## What a feature takes to be the same
#
# Point at a patch of the image. Each row shows its nearest neighbours in the database, by the features of one layer. A unit sees
# all of its black square. What its neighbours have in common is what it keeps of that.

# %%
from corrlib.experiments import visualization

patches = visualization.Settings(database_images=database_images, k=k, seed=seed).resolve(data, network)
page.figure(
    "nearest",
    explorer.nearest(data, network, patches, visualization.shown(data, patches)[0]),
    f"""*Nearest neighbours of a patch* ({data.name}), of {patches.database_images} training images; of the scored validation images the one
    with the largest object is shown, as in [the rebuilt images](#figure-rebuilt). Yellow: the patch, as large as the stride; what is around it is shown for orientation.
    Black: the receptive fields.""",
)
