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
# Which layer, and how strict a tolerance? The paper asks both again and again, and each answer is a chapter of this book with
# other parameters. A *sweep* executes a chapter at every point of a grid of them:
#
# ```bash
# corrlib sweep alignment -p layer=conv1,conv2,conv3,conv4,conv5 -p alpha=0.025,0.05,0.1 --out runs/align
# ```
#
# The folder then holds fifteen executed notebooks, and one table of them, `results.csv` and `results.json`: a row per point, with
# its parameters, every number that its chapter shows, its seconds and whether it succeeded. `results.png` draws the score.
# `results.html` has the table, the figure, and sliders that show the figures and numbers of each point, in one file that needs
# neither a kernel nor a connection.
#
# - Values are separated by commas. `0.01:0.2:0.01` is a range that includes both ends, in exact decimals. For a parameter that is
#   a list itself, semicolons separate the values: `"layers=conv4;conv5;conv4,conv5"`. `--grid grid.yml` reads them from a file
#   with a line such as `alpha: [0.05, 0.1]` for each parameter.
# - A misspelt name, a value of the wrong type or an empty grid is an error before anything starts. `--dry-run` lists the points,
#   and which of them are done.
# - A stopped sweep resumes. A point that fails has its traceback in the table and stops no other; it is tried again the next
#   time, as is one that was executed with other code or other data.
#
# ## What is computed once
#
# The heavy work of a chapter is kept in a cache, under a key that is made of its code and inputs; two processes that ask for the
# same wait for each other and compute it once. The tolerance $\alpha$ enters nothing heavy. Points that differ in nothing else are
# a group: the first of a group runs before the others, and so the command above aligns five times, not fifteen.
#
# ## An example
#
# This page executes the command itself, at a scale that a book can afford: one category, one value of what is otherwise chosen on
# train ($\beta$, $\eta$, the radius of SIFT), and a point per layer. Both chapters that have a tolerance show their score at each of
# the paper's three, so that the curves below need no more points than layers.

# %% tags=["parameters"]
category: str = "bus"  # a single category
layers: list[str] = ["conv1", "conv2", "conv3", "conv4", "conv5"]  # swept
scanned: list[str] = ["conv2", "conv3", "conv4", "conv5"]  # by detectors; conv1 has 15 times the windows
neighbors: int = 10  # that each object is aligned with; the paper has 25
seed: int = 0  # of the chapters
data_root: str = ""  # a dataset like VOC 2011; empty: figurines
weights: str = ""  # a network's file; empty: the figurine network

# %%
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
    f"""*Alignment, by layer and tolerance* ({data.name}; {category}, {neighbors} neighbours), with 95 % bootstrap intervals.""",
    alt="""Mean PCK of alignment against alpha, a line with its band for each of five layers, and broken vertical lines at the paper's three
    tolerances.""",
)

# %%
prediction = sweep.command("prediction", layer=",".join(scanned), etas="0.1", studied=1, **common)

# %%
page.figure(
    "sweep-prediction",
    plots.swept_by_alpha(prediction, alphas, among=layers),
    f"""*Keypoint prediction with the prior, by layer and tolerance* ({data.name}; {category}), with 95 % bootstrap intervals.""",
    alt="""Mean PCK of keypoint prediction with the prior against alpha, a line with its band for each of four layers, and broken vertical lines at
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
    f"*Naming keypoints, by layer* ({data.name}; {category}), with 95 % bootstrap intervals.",
    alt="Mean accuracy of naming keypoints, a dot with its interval for each of five layers.",
)

# %%
rows = {"alignment": alignment, "prediction": prediction, "classification": classification}
page.table(
    "sweeps",
    tables.swept(rows),
    f"*What these sweeps took* ({data.name}): seconds in which their notebooks ran, several at a time.",
)

# %%
highest = {name: ", ".join(tables.highest(rows[name], alphas)) for name in ("alignment", "prediction")}
page.text(f"""
A category has some fifty objects, too few to order layers that are close: look at the intervals, and run the commands without `category` for all twenty. The
highest line of alignment is {highest["alignment"]}; that of prediction is {highest["prediction"]}. A detector can only answer with a place of its grid, and
that of `conv2` has one every 8 pixels of the crop, those of the later layers one every 16: the stricter the tolerance, the more that costs.
""")

# %% [markdown]
# ## With papermill alone
#
# A point of a sweep is a chapter that papermill has executed, nothing else. If you would rather write a loop, or have executed
# notebooks elsewhere, `corrlib collect` makes the same table and the same page of them:
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
# The engine is [dask.distributed](https://distributed.dask.org). By default a sweep starts a process per core, of one thread
# each: papermill runs an event loop and cannot run twice in one process. The libraries in a kernel share the cores in the
# same way. Nothing listens but on the loopback interface, and only while the sweep runs; there is no dashboard. Mind that any
# user of the same machine can reach that interface.
#
# A point whose worker is killed is started again, three times at most. After Ctrl-C, or if the sweep itself is killed, the
# table holds what was done. Two sweeps in one folder refuse each other.
#
# ## On a cluster
#
# With `--scheduler ADDRESS` the points go to a dask cluster that is there already. Its workers need **one thread each**, the
# same environment, and the same files under the same names: the project, the folder of the sweep, and the cache
# (`CORRLIB_CACHE`), on a file system whose locks work between machines. On one machine:
#
# ```bash
# dask scheduler --host 127.0.0.1 --port 8786 --no-dashboard &
# dask worker tcp://127.0.0.1:8786 --nworkers 2 --nthreads 1 --no-dashboard &
# corrlib sweep alignment -p layer=conv3,conv4 --out runs/align --scheduler tcp://127.0.0.1:8786
# ```
#
# The two recipes below follow the documentation of dask. They have **not been run** by the authors of this book, who have
# neither kind of cluster; what has been run is the one above.
#
# SLURM, by [dask-jobqueue](https://jobqueue.dask.org); run it in the project's folder and leave it running:
#
# ```python
# from dask_jobqueue import SLURMCluster
#
# # A job has 4 cores and 4 processes: a thread each.
# cluster = SLURMCluster(cores=4, processes=4, memory="16GB", walltime="02:00:00")
# cluster.scale(jobs=4)
# print(cluster.scheduler_address)
# input("Return stops the cluster")
# ```
#
# Kubernetes, by the operator of [dask-kubernetes](https://kubernetes.dask.org), with an image that has this project's
# environment and a volume `work` that all pods can write; the sweep runs in a pod that has it, too:
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
# Points under way are finished on such a cluster when the sweep is interrupted; those that wait are withdrawn.
