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
# Which layer, and how strict a tolerance? The paper asks both again and again, and each answer is a chapter of this book
# with other parameters. A *sweep* executes a chapter at every point of a grid of them:
#
# ```bash
# corrlib sweep alignment -p layer=conv1,conv2,conv3,conv4,conv5 -p alpha=0.025,0.05,0.1 --out runs/align
# ```
#
# The folder then has fifteen executed notebooks, and one table of them, `results.csv` and `results.json`: a row a point,
# with its parameters, every number that its chapter glued, its seconds and whether it succeeded. `results.png` draws the
# score. `results.html` has the table, the figure, and sliders that show the figures and numbers of each point, in one file
# that needs neither a kernel nor a connection.
#
# - Values are separated by commas. `0.01:0.2:0.01` is a range with both its ends, in exact decimals. For a parameter that
#   is a list itself, semicolons separate the values: `"layers=conv4;conv5;conv4,conv5"`. `--grid grid.yml` reads them from
#   a file with a line such as `alpha: [0.05, 0.1]` for each parameter.
# - A misspelt name, a value of the wrong type or an empty grid is an error before anything starts. `--dry-run` lists the
#   points, and which of them are done.
# - A sweep that was stopped goes on where it was. A point that fails has its traceback in the table and stops no other; it is
#   tried again the next time, as is one that was executed with another code or other data.
#
# ## What is computed once
#
# What is heavy in a chapter is kept in a cache, under a key that is made of its code and inputs; two processes that ask for
# the same wait for each other and compute it once. The tolerance $\alpha$ enters nothing heavy. Points that differ in
# nothing else are a group: the first of a group runs before the others, and so the command above aligns five times, not
# fifteen.
#
# ## Here
#
# This page executes the command itself, at a scale that a book can afford: one category, one value of what is otherwise
# chosen on train ($\beta$, $\eta$, the radius of SIFT), and a point a layer. Both chapters that have a tolerance glue their
# score at each of the paper's three, so that {numref}`figure-sweep-alignment` and {numref}`figure-sweep-prediction` need no
# more points than layers.

# %% tags=["parameters"]
category: str = "bus"  # a single one
layers: list[str] = ["conv1", "conv2", "conv3", "conv4", "conv5"]
scanned: list[str] = ["conv2", "conv3", "conv4", "conv5"]  # by detectors; conv1 has 15 times the windows
neighbors: int = 10  # that each instance is aligned with; the paper has 25
seed: int = 0
data_root: str = ""  # a data set like VOC 2011; none: figurines
weights: str = ""  # a network's file; none: the figurine network

# %% tags=["hide-input"]
import json
import shlex
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown
from myst_nb import glue

from corrlib import convnet, experiments
from corrlib.data import open_dataset
from corrlib.publishing import plots, tables

data, network = open_dataset(data_root), convnet.load(weights or None)
glue("origin", experiments.origin(data, network), display=False)
category = category if category in data.categories else data.categories[0]
given = dict(category=category, data_root=data_root, weights=weights, seed=seed)


def sweep(chapter, **grid):
    pairs = [f"{name}={value}" for name, value in (grid | given).items() if value != ""]
    out = f"_build/sweeps/{chapter}"
    command = ["corrlib", "sweep", chapter, *(part for pair in pairs for part in ("-p", pair)), "--out", out]
    print(shlex.join(command).replace(" -", " \\\n    -"))
    program = Path(sys.executable).with_name("corrlib")
    done = subprocess.run([program, *command[1:]], cwd=tables.project(), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads((tables.project() / out / "results.json").read_text())


few = dict(studied=1)
aligned = sweep("alignment", layer=",".join(layers), neighbors=neighbors, betas="2e-4", **few)
predicted = sweep("prediction", layer=",".join(scanned), etas="0.1", **few)
named = sweep(
    "classification", layers=";".join(layers), radii="20", shown=category, localised=1, Cs="1e-7,1e-6"
)

# %% tags=["hide-input"]
alphas = [0.025, 0.05, 0.1]


def by_alpha(rows):
    ends = ("", "-low", "-high")
    return {
        r["layer"]: np.array([[a, *(r[f"score-{a:g}{end}"] for end in ends)] for a in alphas]) for r in rows
    }


how = dict(xlabel="alpha", legend="layer", among=layers, marks=alphas, marked="the paper's")
for name, rows in dict(aligned=aligned, predicted=predicted).items():
    glue(f"{name}-figure", plots.swept(by_alpha(rows), ylabel="mean PCK in percent", **how), display=False)
    plt.close()
    best = [max(rows, key=lambda row, a=a: row[f"score-{a:g}"])["layer"] for a in alphas]
    spelled = [f"{layer} at alpha = {a:g}" for layer, a in zip(best, alphas, strict=True)]
    glue(f"{name}-best", ", ".join(spelled), display=False)
points = np.array([[i, r["score"], r["score-low"], r["score-high"]] for i, r in enumerate(named)])
drawn = plots.swept({"": points}, xlabel="layer", ylabel="mean accuracy in percent", ticks=layers)
glue("named-figure", drawn, display=False)
plt.close()
spent = [
    [name, str(len(rows)), f"{sum(r['seconds'] for r in rows):.0f}", f"{max(r['seconds'] for r in rows):.0f}"]
    for name, rows in dict(alignment=aligned, prediction=predicted, classification=named).items()
]
head = ["chapter", "points", "seconds of all", "of the longest"]
glue("spent", Markdown(tables.markdown(head, spent)), display=False)
for name, value in dict(tier=data.name, category=category, neighbors=neighbors).items():
    glue(name, value, display=False)

# %% [markdown]
# ```{glue:figure} aligned-figure
# :name: figure-sweep-alignment
# :alt: Mean PCK of alignment against alpha, a line with its band for each of five layers, and broken vertical lines at the paper's three tolerances.
#
# *Alignment, by layer and tolerance* (tier: {glue:text}`tier`; {glue:text}`category`, {glue:text}`neighbors` neighbours), with 95 % bootstrap intervals over instances.
# ```
#
# ```{glue:figure} predicted-figure
# :name: figure-sweep-prediction
# :alt: Mean PCK of keypoint prediction with the prior against alpha, a line with its band for each of four layers, and broken vertical lines at the paper's three tolerances.
#
# *Keypoint prediction with the prior, by layer and tolerance* (tier: {glue:text}`tier`; {glue:text}`category`), with 95 % bootstrap intervals over instances.
# ```
#
# ```{glue:figure} named-figure
# :name: figure-sweep-classification
# :alt: Mean accuracy of naming keypoints, a dot with its interval for each of five layers.
#
# *Naming keypoints, by layer* (tier: {glue:text}`tier`; {glue:text}`category`), with 95 % bootstrap intervals over instances.
# ```
#
# :::{table} *What these sweeps took* (tier: {glue:text}`tier`): seconds in which their notebooks ran, several at a time.
# :name: table-sweeps
#
# ```{glue:md} spent
# :format: myst
# ```
# :::
#
# A category has some fifty instances, too few to order layers that are close: look at the intervals, and run the commands
# without `category` for all twenty. The highest line of {numref}`figure-sweep-alignment` is {glue:text}`aligned-best`; that of
# {numref}`figure-sweep-prediction` is {glue:text}`predicted-best`. A detector can only say a place of its grid, and that of
# `conv2` has one every 8 pixels of the square, those of the later layers one every 16: the stricter the tolerance, the more
# that costs.
#
# ## With papermill alone
#
# A point of a sweep is a chapter that papermill has executed, nothing else. Whoever would rather write a loop, or has
# executed notebooks elsewhere, gets the same table and the same page of them:
#
# ```bash
# mkdir -p runs/mine
# jupytext --to ipynb -o alignment.ipynb book/alignment.py
# papermill alignment.ipynb runs/mine/conv3.ipynb -p layer conv3 -p category bus
# papermill alignment.ipynb runs/mine/conv4.ipynb -p layer conv4 -p category bus
# corrlib collect runs/mine
# ```
#
# The numbers are in the notebooks themselves, in the metadata of the outputs that `glue` leaves
# (`application/papermill.record/text/plain`).
#
# ## On one machine
#
# The engine is [dask.distributed](https://distributed.dask.org). By default a sweep starts a process a core, of one thread
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
