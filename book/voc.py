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
# # Run it on PASCAL VOC
#
# The paper's own experiment needs three things that cannot come with a book: the photographs of PASCAL VOC 2011
# {cite:p}`everingham2011`, the keypoints that {cite:t}`bourdev2009` drew on them, and the Caffe reference network
# {cite:p}`jia2014`. With a connection and time it takes two commands, in the folder of this project:
#
# ```bash
# corrlib download voc2011 keypoints caffenet --out data
# corrlib reproduce --data data --out reproduction \
#     --weights data/bvlc_reference_caffenet.caffemodel
# ```
#
# The second ends with the scoreboard, `reproduction/scoreboard.md`: every number of the paper's Tables 1 to 4 beside
# yours, the difference, and a verdict on each claim. What has been computed is kept as it comes. Kill it, switch the
# machine off, run it again: it goes on where it was.

# %% tags=["parameters"]
patches: int = 1_000_000  # of each layer in the database of section 2
data_root: str = ""  # a data set like VOC 2011; none: figurines
weights: str = ""  # a network's file; none: the figurine network
seed: int = 0  # of the images that the database is drawn from

# %% tags=["hide-input"]
from IPython.display import Markdown
from myst_nb import glue

from corrlib import convnet, experiments, reproduce, store, tables
from corrlib.datasets import open_dataset
from corrlib.datasets.census import census
from corrlib.datasets.download import SOURCES
from corrlib.reproduce import cost

data, network = open_dataset(data_root), convnet.load(weights or None)
glue("origin", experiments.origin(data, network), display=False)
glue("tier", data.tier, display=False)
glue("network", network.name, display=False)
rows = [
    [
        name,
        f"[`{one.file}`]({one.urls[0]})",
        " ".join(f"[copy]({url})" for url in one.urls[1:]),
        f"`{one.digest[:15] or 'none known'}`",
    ]
    for name, one in SOURCES.items()
]
glue("sources", Markdown(tables.markdown(["name", "file", "elsewhere", "digest"], rows)), display=False)

# %% [markdown]
# ## What is downloaded
#
# {numref}`table-sources` lists what `corrlib download` knows. The photographs are an archive of 1.7 GB that needs as
# much again when it is unpacked; each network is 244 MB. The addresses are tried in turn: some of these servers are old
# and have been out of reach before, and the Internet Archive may have a copy. Proxies are taken from the environment
# (`HTTPS_PROXY` and so on).
#
# :::{table} *What can be downloaded*, from where, and the first digits of the digest that the file must have.
# :name: table-sources
#
# ```{glue:md} sources
# :format: myst
# ```
# :::
#
# A file counts only when its digest is right. For the keypoints none is known: the digest of the first download is
# written down beside it (`voc2011_keypoints_Feb2012.tgz.sha256`), and later downloads must agree. Archives
# are unpacked into a temporary folder and checked (no path may lead out of it, there may be no links, the size is
# bounded), and what is whole takes its name in one step. An interrupted download starts anew.
#
# ## Without a connection
#
# If the files are on your disk, or came by other means, put them into the folder under the names of
# {numref}`table-sources` and run the first command as it stands: it verifies and unpacks them and asks no server. Or
# unpack them yourself. What the programs read is this, and nothing else:
#
# ```text
# data/VOCdevkit/VOC2011/JPEGImages/<image>.jpg
# data/VOCdevkit/VOC2011/Annotations/<image>.xml
# data/VOCdevkit/VOC2011/ImageSets/Main/{train,val}.txt
# data/annotations/<category>/<image>_<n>.xml
# ```
#
# Boxes and keypoints come from the last, `truncated` and `difficult` from VOC's own annotations, and which image is in
# which half from the lists. The archive of the photographs has `VOCdevkit` in a folder `TrainVal`: move it out. Any other data set in this layout
# will do, with its own categories; then there are no published numbers to stand beside.
#
# This book itself can be built from the same files, at the chapters' own smaller scale where they have one:
#
# ```bash
# make book DATA=data \
#     WEIGHTS=data/bvlc_reference_caffenet.caffemodel
# ```
#
# ## Which objects are used
#
# The paper says that it uses VOC's train and val and the keypoints on all twenty categories, and no more. So:
#
# - Training sets are VOC's `train`, test sets its `val`, as they are listed in `ImageSets/Main`.
# - All annotated objects are used, also those that VOC calls truncated or difficult. Both can be left out, by parameters
#   of the four chapters or by `corrlib reproduce --no-difficult --no-truncated`. What is left counts as another
#   data set: nothing that was computed with all objects is taken for it.
# - An object without any visible keypoint can neither be scored nor transfer anything; it is read and left aside.
# - A keypoint with `visible="0"` is a name without a place, as persons have them. One that is visible stays where it was
#   drawn, be it outside of the box or, by a little, of the image.
# - The types of keypoints of a category are all the names that occur in it; an object has those that it has.
# - The box is Berkeley's `visible_bounds`, which is VOC's. The flags are those of the VOC object of the same category
#   whose box overlaps it most, and by at least half; `voc_id` is often absent, and the number in the file's name may
#   start at 0.
#
# {numref}`table-census` counts them in the data of this page.

# %% tags=["hide-input"]
counted = {(row["category"], row["split"]): row for row in census(data)}
head = ["objects", "used", "keypoints", "outside", "truncated", "difficult"]


def cells(categories):
    def total(key, split):
        return f"{sum(counted[category, split][key] for category in categories):,}"

    return [f"{total(key, 'train')}<br>{total(key, 'val')}" for key in head]


lines = [[category, *cells([category])] for category in data.categories]
lines.append(["**all**", *cells(data.categories)])
glue("census", Markdown(tables.markdown(["category", *head], lines)), display=False)

# %% [markdown]
# :::{table} *Objects and keypoints* (tier: {glue:text}`tier`): in each cell train above val. Objects; those *used*, with a visible keypoint; visible keypoints, and those of them *outside* of the box; objects that VOC calls truncated or difficult.
# :name: table-census
#
# ```{glue:md} census
# :format: myst
# ```
# :::
#
# ## What it takes
#
# `corrlib reproduce` looks at the data first and says what it will need. {numref}`table-cost` is what it says of the data
# and the network of this page, for {glue:text}`patches` patches a layer: estimates, from the numbers of objects, grids
# and channels. Features go into the cache folder (or `CORRLIB_CACHE`), and it does not start if the disk has no room for
# them.

# %% tags=["hide-input"]
images, units = cost.database(data, network, patches, seed=seed)
given = reproduce.parameters(data, network, data_root, weights, images)
every = {name: reproduce.whole(tables.project(), name, own) for name, own in given.items()}
needed = cost.estimate(data, network, every, units)
lines = [[name, f"{size / 1e9:.2f}"] for name, size in needed.disk.items()]
lines.append(["**on disk, together**", f"**{needed.total / 1e9:.1f}**"])
lines.append(["memory of the largest step", f"{needed.memory / 1e9:.1f}"])
glue("cost", Markdown(tables.markdown(["what", "GB"], lines)), display=False)
glue("patches", f"{units:,}", display=False)

# %% [markdown]
# :::{table} *Estimates of disk and memory* (tier: {glue:text}`tier`).
# :name: table-cost
#
# ```{glue:md} cost
# :format: myst
# ```
# :::
#
# How long it takes is known from a recorded run only, {numref}`table-stages`, on {glue:text}`recorded-instances`
# instances of photographs with {glue:text}`recorded-network`. The stages grow in proportion to what they count; the command
# multiplies and tells what that means for your data. These are seconds of processors: on two cores that are kept busy,
# half as much by the clock. (The network and the search for nearest neighbours use a GPU where torch sees one, or the
# device that `--device` names; the flows, the classifiers and the detectors do not.) That run was stopped before the last two chapters had been executed, so what these add to their
# stages is not in the table, nor in the command's estimate. The most memory that any process had until then was
# {glue:text}`recorded-memory` GB.

# %% tags=["hide-input"]
record = store.read_result(tables.project() / reproduce.RECORDED)
rows = record["values"]["stages"]
lines = [
    [
        f"{row['chapter']}: {row['stage']}",
        f"{row['count']:,} {row['unit']}",
        f"{row['processor_seconds']:,.0f}",
        f"{1000 * row['processor_seconds'] / row['count']:,.1f}",
    ]
    for row in rows
]
head = ["stage", "of", "processor seconds", "a thousand"]
glue("stages", Markdown(tables.markdown(head, lines)), display=False)
glue("recorded-instances", record["values"]["instances"], display=False)
glue("recorded-network", record["provenance"]["network"], display=False)
glue("recorded-memory", f"{max(row['peak_memory_bytes'] for row in rows) / 1e9:.1f}", display=False)

# %% [markdown]
# :::{table} *What stages took* (tier: photos, recorded): processor seconds, and those of a thousand.
# :name: table-stages
#
# ```{glue:md} stages
# :format: myst
# ```
# :::
