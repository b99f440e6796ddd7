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
# # Ten years later
#
# The paper asked its question of one network. Does the answer hold for the networks that followed? This page repeats the four
# experiments with EfficientNet-Lite0 {cite:p}`tan2019`, a small network made for phones, in the place of AlexNet. It also asks how
# much of the result is learned at all, by giving the network of this book random weights.
#
# Any network can take AlexNet's place. Five of its layers stand for conv1 to conv5, and the other parts of an experiment stay the
# same. In a residual or mobile network, these are the last layers of its five stages, each with half the resolution of the one before.

# %% tags=["parameters"]
database_images: int = 100  # training images in which neighbours of patches are searched
seed: int = 0  # seed for the random weights
data_root: str = ""  # folder of a dataset in the layout of VOC 2011; empty: the figurines

# %%
from corrlib.publishing import page

data, network = page.setup(globals())

# %% [markdown]
# ## AlexNet and EfficientNet-Lite0 on photographs
#
# The numbers below were recorded on three categories of the paper's own photographs (see the [scoreboard](scoreboard)). The
# similar training objects that alignment and the prior of prediction need are found by AlexNet in both cases, so that the two networks
# share their neighbours.

# %%
from corrlib.publishing import networks, results

record = results.read(results.project() / "results" / "voc2011-networks.json")
about, measured = record["provenance"], record["values"]
old, new = about["network"], about["other"]
names = {"AlexNet": old, "EfficientNet-Lite0": new}
photos = {name: measured[key] for name, key in names.items()}
source = f"recorded on {about['dataset']} {about['data'][:8]}; {old} {about['weights'][:8]}, {new} {about['other_weights'][:8]}; commit {about['commit']}"

# %%
from corrlib.publishing import plots, tables

page.figure(
    "networks-depth",
    plots.by_depth(*networks.panels(photos)),
    f"""*Four experiments with each layer* of two networks on photographs, with 95 % bootstrap intervals; SIFT (radius 20 in alignment, 40 in classification, and bins of 8 pixels in prediction) is the
    dashed line with its interval (in alignment, on AlexNet's grid). Detail score: images rebuilt from five neighbours, minus images rebuilt from random places nearby, of conv3 to conv5.
    Alignment: PCK of convnet flow, of {about["aligned"]} validation objects per category; open markers: most pairs do not move, so that
    this is not the PCK of a flow. Classification: accuracy. Prediction: PCK of detectors of conv3 to conv5 without the prior; the grids of
    conv1 and conv2 are so fine that their detectors would take hours. PCK is at alpha = 0.1.""",
    alt="""Four panels against depth, conv1 to conv5, with a line for AlexNet and one for EfficientNet-Lite0: the detail score, alignment, classification
    and prediction. A dashed line shows SIFT in the last three.""",
    source=source,
)

# %%
fields = [
    {"layer": layer}
    | {
        f"{name}: {what}": str(each["fields"][layer][n])
        for name, each in photos.items()
        for n, what in enumerate(("field, px", "stride, px", "channels"))
    }
    | {"EfficientNet-Lite0: its own name": f"`{about['layers'][layer]}`"}
    for layer in networks.NAMES
]
page.table(
    "networks-fields",
    fields,
    "*Receptive fields, strides and channels* of the five layers. Fields are measured, and 227 means 227 pixels or more. The patches of the detail score have the side of the stride.",
    source=source,
)

# %%
page.table(
    "networks-photos",
    networks.table(photos, list(networks.TITLES)),
    f"""*The numbers of the figure*, in percent (the detail score is a difference of correlations), with 95 % bootstrap intervals. {networks.still(photos)}
    These values of alignment are not those of a flow.""",
    formats={networks.TITLES["detail"]: ".2f"},
    source=source,
)

# %%
sift = {name: tables.formatted(each["aligning"]["SIFT"]["value"]) for name, each in photos.items()}
page.text(f"""
A flow matches features on the grid of conv4, which differs between the networks: SIFT flow has {tables.words([f"{value} % on that of {name}" for name, value in sift.items()])}.
Differences from SIFT flow, below, are on the same grid.
The classifiers have the paper's C, and their input has as many dimensions as the layer has channels,
which are few in the early layers of EfficientNet-Lite0.
""")

# %% [markdown]
# ## What became of the paper's claims
#
# Each claim is judged as on the [scoreboard](scoreboard), by the difference from SIFT on the same objects (for details, from random
# places nearby).

# %%
page.table(
    "networks-claims",
    networks.claims(photos),
    f"""*The paper's claims about its network, and the same about EfficientNet-Lite0*, on photographs: the verdict, and the difference in points (details:
    difference of correlations) with its 95 % bootstrap interval. In alignment, {about["aligned"]} validation objects per category are aligned, fewer than on
    the scoreboard.""",
    source=source,
)

# %% [markdown]
# ## What is learned, and what is not
#
# A network with random weights has the same receptive fields and the same strides. What it lacks is what was learned. The
# comparison is made here on the dataset of this build, for details and classification.

# %%
from corrlib.experiments import visualization

random = networks.random_weights(network, seed=seed)
built = {}
for name, each in {"learned": network, "random": random}.items():
    built[name] = {
        "detail": networks.detail(data, each, visualization.LAYERS, images=database_images),
        "naming": networks.naming(data, each, networks.NAMES),
    }

# %%
page.table(
    "networks-random",
    networks.table(built, ["detail", "naming"]),
    f"""*Learned and random weights* on {data.name}: as above, with 95 % bootstrap intervals. Neighbours of patches are searched in {database_images} training
    images, fewer than in [visualization](visualization), where detail scores are therefore higher.""",
    formats={networks.TITLES["detail"]: ".2f"},
)
page.text(networks.unlearned(*built.values()))

# %% [markdown]
# ## Takeaway

# %%
learned, unlearned = (each["naming"]["conv4"]["value"] for each in built.values())
page.numbers({"learned": learned, "random": unlearned}, prefix="naming")
page.text(networks.in_words(photos, built, data.name))

# %% [markdown]
# ## Your network
#
# With timm (`pip install "corrlib[timm]"`), any of its models takes the place of the network in every chapter. The weights are a local file;
# `@pretrained` instead of a file lets timm download them:
#
# ```bash
# corrlib run prediction -p weights=timm:resnet50@r50.safetensors -o resnet50.ipynb
# corrlib sweep classification \
#     -p weights=timm:resnet50@r50.safetensors,timm:vit_small_patch14_dinov2@dino.safetensors \
#     -p "layers=conv3;conv4;conv5" --out runs/networks
# ```
#
# Of the twelve blocks of a transformer, five evenly spaced ones are taken. Any other module with named layers, and other layers, are
# chosen in Python. DINOv2, for example:
#
# ```python
# from corrlib import convnet
#
# blocks = ["blocks.1", "blocks.3", "blocks.6", "blocks.8", "blocks.11"]
# rgb = convnet.Preprocessing("rgb", (123.675, 116.28, 103.53), (0.01712, 0.01751, 0.01743))
# network = convnet.Module(model, blocks, rgb, name="dinov2", multiple=14)
# ```
#
# It has the interface of the network that `page.setup` returns. `retrieval_weights`, a parameter of
# [alignment](alignment) and [prediction](prediction), finds neighbours by another network: `network.retrieving_by(other)` in Python.
#
# To put numbers beside the literature's, `corrlib.data.pairs` reads the pairs of PF-PASCAL and SPair-71k, and computes PCK with the
# threshold by box or by image, averaged over images or over points. The usual baseline predicts a keypoint where the feature is most
# similar:
#
# ```python
# from corrlib.data import pairs
# from corrlib.experiments.matching import match
#
# cats = pairs.spair("SPair-71k", category="cat")
# predicted = [match(network, "conv4", pair, size=448) for pair in cats]
# pairs.pck(predicted, cats, alpha=0.1, threshold="box", average="image")
# ```
