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
# {cite:p}`everingham2011`, the keypoints that {cite:t}`bourdev2009` annotated on them, and the Caffe reference network
# {cite:p}`jia2014`. With a connection and time it takes two commands, in the folder of this project:
#
# ```bash
# corrlib download voc2011 keypoints caffenet --out data
# corrlib reproduce --data data --out reproduction \
#     --weights data/bvlc_reference_caffenet.caffemodel
# ```
#
# The second ends with the scoreboard, `reproduction/scoreboard.md`: every number of the paper's Tables 1 to 4 beside yours, the
# difference, and a verdict on each claim. Results are kept as they are computed: if the command is killed, or the machine
# switched off, run it again, and it resumes.

# %% tags=["parameters"]
patches: int = 1_000_000  # of each layer in the database of section 2
data_root: str = ""  # a dataset like VOC 2011; empty: figurines
weights: str = ""  # a network's file; empty: the figurine network

# %%
from corrlib.publishing import page

data, network = page.setup(globals())

# %% [markdown]
# ## What is downloaded
#
# [The first table](#table-sources) lists what `corrlib download` offers. The photographs are an archive of 1700 MB that needs as
# much again when it is unpacked; each network is 244 MB. The addresses are tried in turn: some of these servers are old and have
# been unreachable before, and the Internet Archive may have a copy. Proxies are taken from the environment (`HTTPS_PROXY` and
# so on).

# %%
from corrlib.publishing import tables

page.table(
    "sources",
    tables.sources(),
    "*What can be downloaded*, from where, and the first digits of the digest that the file must have.",
    source="corrlib.data.download",
)

# %% [markdown]
# A file is used only if its digest is right. That of the keypoints has not been published: the digest of the first download is
# recorded beside it (`voc2011_keypoints_Feb2012.tgz.sha256`), and later downloads must agree. Archives are unpacked into a
# temporary folder and checked (no path may lead out of it, links are refused, the size is bounded), and the complete folder is
# then renamed in one step. An interrupted download starts again.
#
# ## Without a connection
#
# If the files are on your disk already, put them into the folder under the names of [the table](#table-sources) and run the first
# command as it is: it verifies and unpacks them without asking a server. Or unpack them yourself. The programs read the following
# and nothing else:
#
# ```text
# data/VOCdevkit/VOC2011/JPEGImages/<image>.jpg
# data/VOCdevkit/VOC2011/Annotations/<image>.xml
# data/VOCdevkit/VOC2011/ImageSets/Main/{train,val}.txt
# data/annotations/<category>/<image>_<n>.xml
# ```
#
# Boxes and keypoints come from the last, `truncated` and `difficult` from VOC's own annotations, and the split of an image from
# the lists. The archive of the photographs has `VOCdevkit` in a folder `TrainVal`: move it out. Any other dataset in this
# layout can be used, with its own categories; then there are no published numbers to compare with.
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
# The paper says only that it uses VOC's train and val and the keypoints on all twenty categories. Here this means:
#
# - The training sets are VOC's `train`, the test sets its `val`, as they are listed in `ImageSets/Main`.
# - All annotated objects are used, also those that VOC calls truncated or difficult. Both can be left out, by parameters of the
#   four chapters or by `corrlib reproduce --no-difficult --no-truncated`. The rest counts as another dataset: nothing that was
#   computed with all objects is used for it.
# - An object without any visible keypoint can neither be scored nor transfer a keypoint; it is left out.
# - A keypoint with `visible="0"` is a name without a place, as those of persons can be. A visible one stays where it was
#   annotated, even if that is outside of the box or, by a little, of the image.
# - The types of keypoints of a category are all names that occur in it; an object has some of them.
# - The box is Berkeley's `visible_bounds`, which is VOC's. The flags are those of the VOC object of the same category whose box
#   overlaps it most, and by at least half; `voc_id` is often absent, and the number in the file's name may start at 0.
#
# [The next table](#table-census) counts them in the dataset of this page.

# %%
page.table(
    "census",
    tables.census(data),
    f"""*Objects and keypoints* of {data.name}, in each cell train above val: images; objects; those *used*, which have a visible keypoint; visible
    keypoints, and those of them *outside* of the box; objects that VOC calls truncated or difficult.""",
)

# %% [markdown]
# ## What it takes
#
# `corrlib reproduce` looks at the data first and prints what it will need. [The estimates](#table-cost) are those for the data and
# the network of this page. Features are kept in the cache folder (or `CORRLIB_CACHE`); without space for them on the disk the
# command does not start.

# %%
from corrlib.publishing import reproduce, results

plan = reproduce.plan(results.project(), data, network, patches)
page.table(
    "cost",
    tables.costs(reproduce.disk(plan), reproduce.memory(plan)),
    f"""*Estimates of disk and memory* for {data.name}, from the numbers of objects, grids, channels and cores, with {plan.patches:,} patches per layer. What is
    below a few per cent on VOC 2011, such as the flows, is left out.""",
)

# %%
record = results.read(results.project() / reproduce.RECORDED)
recorded = record["values"]
rows = reproduce.hours(record, objects=27_450, patches=1_000_000)
hours = sum(row["hours"] for row in rows)
page.text(f"""
The time is known from a rehearsal: the whole command, from its estimates to the scoreboard, on {sum(recorded["objects"].values()):,} figurines in images of 500
pixels, in the proportions of VOC's categories, with {record["provenance"]["parameters"]["patches"]:,} patches per layer and a CaffeNet of full width with random
weights. It was killed {sum(run["killed"] for run in recorded["runs"])} times on the way, and resumed. `python ci/rehearse.py --help` says how to repeat it.

[The table](#table-stages) has processor seconds; two busy cores take half as long by the clock. The time of a stage grows in proportion to
what it counts, and the command prints what that means for your data. The last column has it for VOC 2011, whose organisers count
27,450 objects in train and val {{cite:p}}`everingham2011`: {hours:.1f} processor hours, or {hours / 2:.1f} h on two cores.

The network and the search for similar patches run on a GPU where torch sees one, or on the device that `--device` (or the variable
`CORRLIB_DEVICE`) names; flows, classifiers and detectors do not. There was no GPU to try.

The most memory that any process used was {max(row["peak_memory_bytes"] for row in rows) / 1e9:.1f} GB. The cache held {recorded["disk_bytes"] / 1e9:.1f} GB in the end, of
which the command had estimated {recorded["disk_bytes_estimated"] / 1e9:.1f}.
""")

# %%
page.table(
    "stages",
    tables.stages(rows, "VOC 2011"),
    """*Time of the stages*, recorded on figurines in VOC's proportions with random weights, in seconds; and the processor hours that follow for
    VOC 2011.""",
    source=f"{reproduce.RECORDED}",
)
