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
# The tables in the chapters are averages over thousands of points. Here you can look at one point at a time. Everything was computed
# when this book was built, so the page needs no server and works from disk. Move the mouse over a picture, tap it or drag a finger
# sideways across it, or press Tab and the arrow keys. Click to hold the point in place.

# %% tags=["parameters"]
categories: list[str] = ["motorbike", "cat", "bicycle", "aeroplane"]  # categories of the objects
database_images: int = 600  # number of training images in which neighbours of a patch are searched
k: int = 5  # number of neighbours of a patch
seed: int = 0  # seed for drawing the images
data_root: str = ""  # folder of a dataset in the layout of VOC 2011; empty: the figurines
weights: str = ""  # file with the weights of a network, or timm:NAME@FILE; empty: the figurine network

# %%
from corrlib.experiments import alignment
from corrlib.publishing import page

data, network, settings = page.setup({"data_root": data_root, "weights": weights}, alignment.Settings)
betas, _ = alignment.validate(data, network, settings)

# %%
page.text(f"""
The flows are those of the chapter on [alignment](alignment), with the same parameters. Beta is {" and ".join(f"{beta:g} for {method}" for method, beta in betas.items())}.
""")

# %% [markdown]
# ## Follow a point
#
# The first picture is a validation object; the other five are the most similar training objects of its category, all warped to
# squares. Where does the point go? A circle marks the location given by convnet flow, a square the location given by SIFT flow, and
# a small cross the true location, which is known for every pixel of figurines.

# %%
from corrlib.publishing import explorer
from corrlib.publishing.explorer import truths

compared = alignment.few(settings).categories
shown = [name for name in dict.fromkeys([*categories, *settings.categories]) if name in settings.categories][
    :4
]
page.figure(
    "places",
    explorer.places(data, network, settings, shown, betas, every_feature=True),
    f"""*Where a point goes* ({data.name}). Below each neighbour is the error of each flow, in pixels of the crop ({settings.size} x {settings.size}). The
    truth is rounded to pixels and known in steps of {truths.STEP}; a dimmed cross marks where the point would be if it were not hidden, and a diamond its place without alignment. Neighbours are found by
    {settings.retrieval_layer}. Each category shows, of the larger whole objects among its first few, the one to which both flows transfer most keypoints
    correctly, and the best of these comes first. Of the points that most neighbours show, away from the border, the point starts where both
    flows are closest to the truth, on average over the neighbours that show it. Move it to see where they fail. For {" and ".join(name for name in shown if name in compared) or "none of them"}, flows by other layers and radii can be chosen.""",
)

# %% [markdown]
# - Follow an outline slowly. Do the marks move with the point, or do they jump somewhere? Where they jump, the features have
#   outweighed the smoothness term.
# - Move to a unique structure, such as the hub of a wheel or a nose, and then to the middle of a uniform surface, where all places
#   look alike. Which of the marks stay with the cross?
# - Where the figure offers other layers, choose a shallower layer, then a deeper one, then a larger radius of SIFT. The figure of
#   [every layer and every radius](#figure-features) shows averages of what you see here.
# - Find a neighbour that faces the other way. Does either of the flows account for this?
#
# ## How close is close enough?
#
# A predicted keypoint is correct if its distance from the true keypoint is less than $\alpha$ times the longer side of the box. In
# the crop, this tolerance is an ellipse. As you move the slider, predictions become correct (circles) or wrong (crosses).
# The marks on the curves, which are means over categories of all validation objects, move as well.

# %%
page.figure(
    "tolerances",
    explorer.tolerances(data, network, settings, settings.categories, betas),
    f"""*Keypoints at a tolerance* ({data.name}). Each prediction is the median of the keypoints transferred from the {settings.top} least deformed of
    {settings.neighbors} aligned neighbours; NN transfer copies the keypoint of the most similar neighbour. A line leads from each keypoint to its predicted
    location, which is marked on the border if it lies outside the picture. An ellipse is dashed if its keypoint is predicted wrongly or not at all. The object
    of each category is the larger whole one, among the first few, whose keypoints are predicted best by convnet flow; the categories are those with the largest share of correct keypoints, at least
    half. The curves are those of [PCK at every tolerance](#figure-pck).""",
)

# %% [markdown]
# - Which keypoints become correct last, and would you have expected them to? Which of them are not predicted at all, because most of
#   the neighbours do not show them?
# - Where are the curves furthest apart, and do they ever cross? The paper reports only three of these tolerances.
#
# ## What a feature considers similar
#
# Point at a patch of the image, or tap it. Each row shows its nearest neighbours in the database, by the features of one layer, with
# the category of the object there and the cosine similarity. A unit sees everything in its black square (with a white edge). What its neighbours have in
# common is what the unit preserves.

# %%
from corrlib.experiments import visualization

patches = visualization.Settings(database_images=database_images, k=k, seed=seed).resolve(data, network)
page.figure(
    "nearest",
    explorer.nearest(data, network, patches, visualization.shown(data, patches)[0]),
    f"""*Nearest neighbours of a patch* ({data.name}) in {patches.database_images} training images. The image is the first of
    [the rebuilt images](#figure-rebuilt). Yellow: the patch, whose side is the stride; its surroundings are shown for orientation. Black with a white edge: the
    receptive fields. The figure starts at the patch of an object that has the most neighbours of its category by the last layer.""",
)
