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
# # Sweeps
#
# Which layer is best, and does the answer depend on the tolerance? The paper compares layers in one experiment and tolerances in
# another. A *sweep* compares both in any of them. It executes a chapter at every point of a parameter grid:
#
# ```bash
# corrlib sweep alignment -p layer=conv1,conv2,conv3,conv4,conv5 -p alpha=0.025,0.05,0.1 --out runs/align
# ```
#
# The output folder then holds fifteen executed notebooks, without the chapter's exercises, and one table, as `results.csv` and
# `results.json`. The table has one row per point, with the parameters, every number that the chapter reports, the run time in
# seconds, and whether the run succeeded. `results.png` plots the score. `results.html` contains the table, the plot, and sliders
# that select the figures and numbers of each point, in one file that needs neither a kernel nor a connection.
#
# - Values are separated by commas. `0.01:0.2:0.01` is a range that includes both ends, in exact decimals. If a parameter is itself a
#   list, semicolons separate the points of the sweep, and commas the elements of each list: `"layers=conv4;conv5;conv4,conv5"` are
#   three points, the last with two layers. `--grid grid.yml` reads the values from a file
#   with a line such as `alpha: [0.05, 0.1]` for each parameter.
# - A misspelt name, a value of the wrong type or an empty grid is reported as an error before anything starts. `--dry-run` lists the
#   points and shows which of them are done.
# - A sweep that was stopped resumes when the command is run again. If a point fails, its traceback is in the table, and the other
#   points still run. The next run of the sweep tries it again, and also repeats points that were executed with other code or data.
#
# ## What is computed once
#
# The expensive results of a chapter are kept in a cache, under a key derived from the code and the inputs. If two processes need the
# same result, one computes it and the other waits for it. No expensive result depends on the tolerance $\alpha$. Points that differ
# only in $\alpha$ form a group, and the first point of a group runs before the others. The command above therefore aligns five times,
# not fifteen.
#
# ## An example
#
# This page runs three such sweeps itself, one for each chapter, at a scale suitable for a book: one category, a single value for
# parameters that are otherwise chosen on the training set ($\beta$, $\eta$, the radius of SIFT), and one point per layer. The two chapters that have a tolerance
# report their score at each of the paper's three tolerances, so the curves below need only one point per layer.

# %% tags=["parameters"]
category: str = "bus"  # category on which the sweeps run
layers: list[str] = ["conv1", "conv2", "conv3", "conv4", "conv5"]  # layers in the sweeps
scanned: list[str] = ["conv2", "conv3", "conv4", "conv5"]  # for detectors; conv1 has 15 times the windows
neighbors: int = 10  # objects with which each object is aligned; the paper uses 25
seed: int = 0  # seed of the chapters
data_root: str = ""  # folder of a dataset in the layout of VOC 2011; empty: the figurines
weights: str = ""  # file with the weights of a network, or timm:NAME@FILE; empty: the figurine network

# %%
from corrlib.data import crops
from corrlib.publishing import page, sweep

data, network = page.setup(globals())
category = category if category in data.categories else data.categories[0]
common = dict(category=category, data_root=data_root, weights=weights, seed=seed)

# %%
alignment = sweep.command(
    "alignment", layer=",".join(layers), neighbors=neighbors, betas="2e-4", studied=1, **common
)

# %%
from corrlib.publishing import plots, tables

alphas = [0.025, 0.05, 0.1]
page.figure(
    "sweep-alignment",
    plots.swept_by_alpha(alignment, alphas, among=layers),
    f"""*Alignment by layer and tolerance* ({data.name}; {category}, {neighbors} neighbours): mean PCK with 95 % bootstrap intervals.
    Marks are shifted sideways so that they do not overlap; all belong to the nearest dashed line.""",
    alt="""Mean PCK of alignment against alpha, with a line and its intervals for each of five layers, and dashed vertical lines at the paper's three
    tolerances.""",
)

# %%
prediction = sweep.command("prediction", layer=",".join(scanned), etas="0.1", studied=1, **common)

# %%
page.figure(
    "sweep-prediction",
    plots.swept_by_alpha(prediction, alphas, among=layers),
    f"""*Keypoint prediction with the prior, by layer and tolerance* ({data.name}; {category}): mean PCK with 95 % bootstrap
    intervals. Marks are shifted sideways as above. conv1 is left out to save time, because its grid has many more locations.""",
    alt="""Mean PCK of keypoint prediction with the prior against alpha, with a line and its intervals for each of four layers, and dashed vertical lines at
    the paper's three tolerances.""",
)

# %%
classification = sweep.command(
    "classification",
    layers=";".join(layers),
    radii="20",
    shown=category,
    localised=1,
    Cs="1e-7,1e-6",
    **common,
)

# %%
page.figure(
    "sweep-classification",
    plots.swept_scores(classification, layers),
    f"*Keypoint classification by layer* ({data.name}; {category}): mean accuracy with 95 % bootstrap intervals.",
    alt="Mean accuracy of keypoint classification, with a dot and its interval for each of five layers.",
)

# %%
rows = {"alignment": alignment, "prediction": prediction, "classification": classification}
page.table(
    "sweeps",
    tables.swept(rows),
    f"*Run time of these sweeps* ({data.name}): seconds for which their notebooks ran, several at a time. Results already in the cache were not computed again.",
)

# %%
highest = {name: ", ".join(tables.highest(rows[name], alphas)) for name in ("alignment", "prediction")}
page.text(f"""
The validation set has {len(crops.objects(data, category, "val"))} objects of this category with a visible keypoint, too few to rank layers whose scores are close. Look at the intervals, and run the commands without `category` to use all
twenty categories. The layer with the highest mean is {highest["alignment"]} in alignment, and {highest["prediction"]} in prediction. A detector can only predict
locations on its grid. The grid of `conv2` has a location every 8 pixels of the crop, those of the later layers one every 16 pixels. The stricter the tolerance,
the more this matters.
""")

# %% [markdown]
# ## With papermill alone
#
# A point of a sweep is simply a chapter that papermill has executed. If you prefer to write your own loop, or have executed notebooks
# elsewhere, `corrlib collect` makes the same table and page from them:
#
# ```bash
# mkdir -p runs/mine
# jupytext --to ipynb -o alignment.ipynb book/alignment.py
# papermill alignment.ipynb runs/mine/conv3.ipynb -p layer conv3 -p category bus
# papermill alignment.ipynb runs/mine/conv4.ipynb -p layer conv4 -p category bus
# corrlib collect runs/mine
# ```
#
# The numbers are in the notebooks themselves, in the metadata of their outputs.
#
# ## On one machine
#
# Sweeps run on [dask.distributed](https://distributed.dask.org). By default, a sweep starts one single-threaded process per core,
# because papermill runs an event loop and cannot run twice in one process. The libraries in a kernel share the cores in the same
# way. The processes listen on the loopback interface only, and only while the sweep runs; there is no dashboard. Note that any user
# of the same machine can reach this interface.
#
# A point whose worker is killed is restarted, at most three times. After Ctrl-C, or if the sweep itself is killed, the table holds
# the points that were done. A second sweep in the same folder is refused while the first is running.
#
# ## On a cluster
#
# With `--scheduler ADDRESS`, the points are sent to an existing dask cluster. Its workers need **one thread each**, the same
# environment, and the same files under the same paths: the project, the folder of the sweep, and the cache (`CORRLIB_CACHE`), on a
# file system whose locks work between machines. On one machine:
#
# ```bash
# dask scheduler --host 127.0.0.1 --port 8786 --no-dashboard &
# dask worker tcp://127.0.0.1:8786 --nworkers 2 --nthreads 1 --no-dashboard &
# corrlib sweep alignment -p layer=conv3,conv4 --out runs/align --scheduler tcp://127.0.0.1:8786
# ```
#
# The two recipes below follow the documentation of dask. They have **not been tested**, because the authors of this book have
# neither kind of cluster; the commands above have been tested.
#
# For SLURM, use [dask-jobqueue](https://jobqueue.dask.org). Run this script in the project's folder and leave it running:
#
# ```python
# from dask_jobqueue import SLURMCluster
#
# # A job has 4 cores and 4 processes, with one thread per process.
# cluster = SLURMCluster(cores=4, processes=4, memory="16GB", walltime="02:00:00")
# cluster.scale(jobs=4)
# print(cluster.scheduler_address)
# input("Press Return to stop the cluster")
# ```
#
# For Kubernetes, use the operator of [dask-kubernetes](https://kubernetes.dask.org). It needs an image with this project's
# environment, and a volume `work` that all pods can write to. Run the sweep in a pod that mounts the same volume:
#
# ```python
# from dask_kubernetes.operator import KubeCluster, make_cluster_spec
#
# worker = ["dask-worker", "--nthreads", "1"]
# spec = make_cluster_spec(name="corrlib", image="corrlib", n_workers=4, worker_command=worker)
# pod = spec["spec"]["worker"]["spec"]
# pod["volumes"] = [{"name": "work", "persistentVolumeClaim": {"claimName": "work"}}]
# pod["containers"][0]["volumeMounts"] = [{"name": "work", "mountPath": "/data"}]
# cluster = KubeCluster(custom_cluster_spec=spec)
# print(cluster.scheduler_address)
# ```
#
# If the sweep is interrupted, the cluster finishes the points that are running; those still waiting are cancelled.
