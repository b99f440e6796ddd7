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

from corrlib import cache, convnet, experiments
from corrlib.data import open_dataset
from corrlib.data.census import census
from corrlib.data.download import SOURCES
from corrlib.publishing import reproduce, tables
from corrlib.publishing.reproduce import cost, times

data, network = open_dataset(data_root), convnet.load(weights or None)
glue("origin", experiments.origin(data, network), display=False)
glue("tier", data.name, display=False)
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
# How long it takes is known from a rehearsal ({numref}`table-stages`): the whole command, from its estimates to the
# scoreboard, on {glue:text}`recorded-instances` figurines of 500 pixels in the proportions of VOC's categories, with
# {glue:text}`recorded-patches` patches a layer and a CaffeNet of full width whose weights were drawn at random. It was killed
# {glue:text}`recorded-kills` times on the way, and went on. `python ci/rehearse.py --help` says how to repeat it.
#
# What is counted are seconds of processors: on two cores that are kept busy, half as much by the clock. A stage grows in
# proportion to what it counts, and the command tells what that means for your data. The last column does so for VOC
# 2011, whose organisers count 27,450 objects in train and val {cite:p}`everingham2011`: {glue:text}`voc-hours` processor
# hours, or {glue:text}`voc-two` h on two cores.
#
# The network and the search for similar patches run on a GPU where torch sees one, or on the device that `--device` (or
# the variable `CORRLIB_DEVICE`) names; flows, classifiers and detectors do not. Their part of each stage is in the column
# *GPU*. If a GPU took no time for it, {glue:text}`voc-left` processor hours would be left for VOC 2011. That is a bound, and not
# a measurement: there was no GPU to try.
#
# The most memory that any process had was {glue:text}`recorded-memory` GB. The cache had {glue:text}`recorded-disk` GB in the end, and
# the command had estimated {glue:text}`recorded-estimate`.

# %% tags=["hide-input"]
record = cache.read_result(tables.project() / reproduce.RECORDED)
values, rows = record["values"], record["values"]["stages"]
instances = sum(values["instances"].values())
factor, hours, left = 27_450 / instances, [], 0.0
lines = []
for row in rows:
    seconds = row["processor_seconds"]
    hours.append(seconds * (factor if row["unit"] in times.GROWING else 1) / 3600)
    left += hours[-1] * (1 - row["device_share"])
    stage, amount = f"{row['chapter']}: {row['stage']}", f"{row['count']:,} {row['unit']}"
    share = f"{100 * row['device_share']:.0f} %"
    lines.append([stage, amount, f"{seconds:,.0f}", f"{row['seconds']:,.0f}", share, f"{hours[-1]:.2f}"])
total = [f"**{sum(row[key] for row in rows):,.0f}**" for key in ("processor_seconds", "seconds")]
lines.append(["**together**", "", *total, "", f"**{sum(hours):.1f}**"])
head = ["stage", "of", "processor seconds", "by the clock", "GPU", "VOC 2011, hours"]
glue("stages", Markdown(tables.markdown(head, lines)), display=False)
spelled = {"instances": f"{instances:,}", "patches": f"{record['provenance']['parameters']['patches']:,}"}
spelled["kills"] = sum(run["killed"] for run in values["runs"])
spelled["memory"] = f"{max(row['peak_memory_bytes'] for row in rows) / 1e9:.1f}"
spelled["step"] = f"{values['memory_bytes_estimated'] / 1e9:.1f}"
spelled |= {
    "disk": f"{values['disk_bytes'] / 1e9:.1f}",
    "estimate": f"{values['disk_bytes_estimated'] / 1e9:.1f}",
}
for name, value in spelled.items():
    glue(f"recorded-{name}", value, display=False)
for name, value in {"hours": sum(hours), "two": sum(hours) / 2, "left": left}.items():
    glue(f"voc-{name}", f"{value:.1f}", display=False)

# %% [markdown]
# :::{table} *What stages took* (tier: figurines in VOC's proportions and random weights, recorded). The last column is for VOC 2011.
# :name: table-stages
#
# ```{glue:md} stages
# :format: myst
# ```
# :::
