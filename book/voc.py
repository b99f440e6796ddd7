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
# {cite:p}`jia2014`. With an internet connection and enough time, two commands in the folder of this project suffice:
#
# ```bash
# corrlib download voc2011 keypoints caffenet --out data
# corrlib reproduce --data data --out reproduction \
#     --weights data/bvlc_reference_caffenet.caffemodel
# ```
#
# The second command ends by writing the scoreboard, `reproduction/scoreboard.md`: every number of the paper's Tables 1 to 4 beside
# yours, the difference, and a verdict on each claim. Results are saved as they are computed. If the command is killed or the machine
# is switched off, run it again, and it resumes.

# %% tags=["parameters"]
patches: int = 1_000_000  # patches per layer in the database of section 2
data_root: str = ""  # folder of a dataset in the layout of VOC 2011; empty: the figurines
weights: str = ""  # file with the weights of a network, or timm:NAME@FILE; empty: the figurine network

# %%
from corrlib.publishing import page

data, network = page.setup(globals())

# %% [markdown]
# ## What is downloaded
#
# [The first table](#table-sources) lists what `corrlib download` offers. The photographs are an archive of 1700 MB, which needs as
# much space again when it is unpacked; each network is 244 MB. The addresses are tried in turn, because some of these servers are
# old and have been unreachable before; the Internet Archive may have a copy. Proxies are taken from the environment (`HTTPS_PROXY`
# and so on).

# %%
from corrlib.publishing import tables

page.table(
    "sources",
    tables.sources(),
    "*Files that can be downloaded*, their addresses, and the first digits of the digest that each file must have.",
    source="corrlib.data.download",
)

# %% [markdown]
# A file is used only if its digest is correct. The digest of the keypoints has not been published, so the digest of the first
# download is recorded beside the file (`voc2011_keypoints_Feb2012.tgz.sha256`), and later downloads must agree with it. Archives are
# unpacked into a temporary folder and checked (no path may lead out of the folder, links are refused, and the size is bounded). The
# complete folder is then renamed in one step. An interrupted download starts from the beginning.
#
# ## Without a connection
#
# If you already have the files, put them into the folder under the names in [the table](#table-sources) and run the first command
# unchanged. It verifies and unpacks them without contacting a server. You can also unpack them yourself. Only the following files are
# read:
#
# ```text
# data/VOCdevkit/VOC2011/JPEGImages/<image>.jpg
# data/VOCdevkit/VOC2011/Annotations/<image>.xml
# data/VOCdevkit/VOC2011/ImageSets/Main/{train,val}.txt
# data/annotations/<category>/<image>_<n>.xml
# ```
#
# Boxes and keypoints come from the files in the last line, the flags `truncated` and `difficult` from VOC's own annotations, and the
# split of an image from the lists. The archive of the photographs contains `VOCdevkit` in a folder `TrainVal`: move `VOCdevkit` out
# of it. Any other dataset in this layout can be used, with its own categories; there are then no published numbers for comparison.
#
# This book itself can be built from the same files. Where a chapter has a smaller scale of its own, it keeps that scale:
#
# ```bash
# make book DATA=data \
#     WEIGHTS=data/bvlc_reference_caffenet.caffemodel
# ```
#
# ## Which objects are used
#
# The paper says only that it uses VOC's train and val sets and the keypoints of all twenty categories. Here this means:
#
# - The training sets are VOC's `train`, and the test sets are its `val`, as listed in `ImageSets/Main`.
# - All annotated objects are used, including those that VOC marks as truncated or difficult. Both kinds can be left out, by
#   parameters of the four chapters or by `corrlib reproduce --no-difficult --no-truncated`. The remaining objects count as another
#   dataset: no result that was computed with all objects is reused for them.
# - An object without any visible keypoint can neither be scored nor transfer a keypoint, so it is left out.
# - A keypoint with `visible="0"` has a name but no location, as can happen for persons. A visible keypoint stays where it was
#   annotated, even if that is outside the box or slightly outside the image.
# - The keypoint types of a category are all names that occur in it; an object has some of them.
# - The box is Berkeley's `visible_bounds`, which is the same as VOC's box. The flags are those of the VOC object of the same category
#   whose box has the largest overlap, which must be at least half. (`voc_id` is often absent, and the number in the file name may
#   start at 0.)
#
# [The next table](#table-census) counts the objects and keypoints in the dataset of this page.

# %%
page.table(
    "census",
    tables.census(data),
    f"""*Objects and keypoints* of {data.name}; each cell gives train above val. The columns count images; objects; the *used* objects, which have a visible
    keypoint; visible keypoints; those that are *outside* the box; and objects that are marked as truncated or difficult.""",
)

# %% [markdown]
# ## Time, memory and disk space
#
# `corrlib reproduce` first inspects the data and prints the resources that it will need. [The estimates](#table-cost) below are for
# the data and the network of this page. Features are kept in the cache folder of the system, or in `CORRLIB_CACHE` if it is set. If
# there is not enough disk space for them, the command does not start.

# %%
from corrlib.publishing import reproduce, results

plan = reproduce.plan(results.project(), data, network, patches)
page.table(
    "cost",
    tables.costs(reproduce.disk(plan), reproduce.memory(plan)),
    f"""*Estimates of disk space and memory* for {data.name}, from the numbers of objects, grid nodes, channels and cores, with {plan.patches:,} patches per
    layer. Items that take less than a few per cent on VOC 2011, such as the flows, are left out.""",
)

# %%
record = results.read(results.project() / reproduce.RECORDED)
recorded = record["values"]
objects = 27_450
rows = reproduce.hours(record, objects=objects, patches=1_000_000)
hours = sum(row["hours"] for row in rows)
ratio = sum(row["seconds"] for row in rows) / sum(row["processor_seconds"] for row in rows)
page.text(f"""
The time was measured in a rehearsal of the whole command, from its estimates to the scoreboard, on {sum(recorded["objects"].values()):,} figurines in images of 500
pixels, in the proportions of VOC's categories, with {record["provenance"]["parameters"]["patches"]:,} patches per layer and a CaffeNet of full width with random
weights. It was killed deliberately ({sum(run["killed"] for run in recorded["runs"])} times), and resumed each time. `python ci/rehearse.py --help` explains how to
repeat the rehearsal.

[The table](#table-stages) gives processor seconds and, for the two cores of the rehearsal, wall-clock seconds. The time of a stage grows in proportion to the
number of items that it counts, and the command prints an estimate for your data. The last column gives the estimate for VOC 2011, which has {objects:,} objects in
train and val {{cite:p}}`everingham2011`: {hours:.1f} processor hours. At the ratio of the rehearsal, this takes {hours * ratio:.1f} h on two cores.

The network and the search for similar patches run on a GPU if torch finds one, or on the device given by `--device` (or the variable `CORRLIB_DEVICE`). Flows,
classifiers and detectors always run on the CPU. No GPU was available to test this.

The peak memory of a single process was {max(row["peak_memory_bytes"] for row in rows) / 1e9:.1f} GB. At the end, the cache held {recorded["disk_bytes"] / 1e9:.1f} GB; the
estimate was {recorded["disk_bytes_estimated"] / 1e9:.1f} GB. In proportion to the number of objects, VOC 2011 needs at most
{recorded["disk_bytes"] / 1e9 * objects / sum(recorded["objects"].values()):.0f} GB (the database of patches does not grow).
""")

# %%
page.table(
    "stages",
    tables.stages(rows, "VOC 2011"),
    """*Time of the stages* in seconds, recorded on figurines in VOC's proportions with random weights, and the resulting estimate of processor hours for
    VOC 2011.""",
    source=f"{reproduce.RECORDED}",
)

# %% [markdown]
# ## On several machines
#
# With `--workers N`, the work is divided among N processes on this machine. With `--scheduler ADDRESS`, it is divided among the
# workers of a dask cluster, which are started [as for sweeps](sweeps): with one thread each, in the same environment, and with the
# same files under the same paths, which are the project, the data, the weights, the cache and the folder of the results. The workers
# compute one stage of one category or layer at a time. The chapters are then executed as usual, and find the results in the cache.

# %%
from corrlib.publishing.reproduce import stages

own = reproduce.hours(record, objects=plan.objects("train", "val"), patches=plan.patches)
tasks = stages.hours(stages.tasks(plan), own)
total, longest = sum(tasks.values()), max(stages.longest_chains(tasks).values())
page.text(f"""
For {data.name}, the work is divided into {len(tasks):,} tasks. Some tasks need the results of others, and the longest chain of such tasks takes
{100 * longest / total:.1f} % of the time of all tasks, so that no more than about {total / longest:.0f} workers are useful. On VOC 2011, where the categories
are of different sizes, the number is smaller. Each worker trains the detectors of one category at a time, for which it needs {reproduce.memory(plan, categories=1) / 1e9:.1f} GB.
""")
