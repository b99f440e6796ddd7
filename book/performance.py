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
# # Performance
#
# The paper's experiments are small ones done many times: some seven hundred thousand alignments, a million patches to be
# searched, a thousand support vector machines at a time. Whether a reader can change a chapter and see what happens depends on
# how long these take. This page compares this package with the libraries that do the same, or that one would take at first.
#
# One command measures it, and writes the file that this page reads, `benchmarks/results.json`:
#
# ```bash
# make bench
# ```
#
# How fast a machine is, and what else it is doing, changes every time that is measured and hardly any *ratio* of two. So two
# sides solve the same problem in turns, on one thread each and timed by the processor seconds that they use, and what is shown
# is how many times as long the other side took: the median of some rounds, with the least and the greatest. Before that the
# answers are compared, and where they are not as good as they should be there is no ratio.
#
# The numbers below are of {glue:text}`where`. The versions: {glue:text}`versions`. **No time on this page is that of your
# machine.**

# %% tags=["parameters"]
results: str = ""  # a file that make bench has written; none: the project's

# %% tags=["hide-input"]
from pathlib import Path

import matplotlib.pyplot as plt
from IPython.display import Markdown
from myst_nb import glue

from corrlib.publishing import performance, plots

found = performance.read(Path(results) if results else None)
machine, limits, contests = found["machine"], found["limits"], found["contests"]
glue("origin", f"benchmarks/results.json of {machine['date']}, {machine['cores']} cores", display=False)
glue("where", performance.where(machine), display=False)
versions = {"Python": machine["python"], **machine["versions"]}
glue("versions", ", ".join(f"{name} {version}" for name, version in versions.items()), display=False)
glue("ratios", Markdown(performance.ratios(contests)), display=False)
glue("goals", sum(row["goal"] is not None and "ratio" in row for row in contests), display=False)
missed = performance.missed(contests)
glue("checks", Markdown(performance.checks(contests)), display=False)
glue("missed", f"{len(missed)}: {'; '.join(missed)}" if missed else "none", display=False)
glue("products", limits["matrix product"] / 1e9, display=False)
glue("additions", limits["multiply-add"] / 1e9, display=False)
glue("minima", limits["min-plus"] / 1e9, display=False)
glue("half", limits["bfloat16"] / limits["matrix product"], display=False)

# %% [markdown]
# ## Ratios
#
# :::{table} *Times of the others over ours*, on one thread each. In brackets: the least and the greatest of the rounds; bold: below the goal. Of the limit: what ours reaches of what one thread of this machine can do at most.
# :name: table-ratios
#
# ```{glue:md} ratios
# :format: myst
# ```
# :::
#
# Of {glue:text}`goals` goals these are not reached: {glue:text}`missed`.
#
# :::{table} *What was found of the answers* before anything was timed. Where this is not good enough, there is no ratio.
# :name: table-checks
#
# ```{glue:md} checks
# :format: myst
# ```
# :::
#
# The goals come from a study on another processor. What this one can do at most was measured in the same run, on one thread:
# {glue:text}`additions:.0f` thousand million operations a second in multiply-adds, {glue:text}`products:.0f` in a product of
# matrices, and {glue:text}`minima:.0f` in the additions and minima that the messages of the flow are made of. Its products of
# matrices in bfloat16, which newer processors are faster in, run at {glue:text}`half:.2f` times the rate of those in float32: a
# search with them, made exact again afterwards, is worth having only where that number is above one, and is not in this package.
#
# - *flow* solves the same energy as PyMaxflow's alpha expansion, whose labels are displacements; a *message* is one of the
#   steps of the solver, and the lower envelopes are the textbook's way to compute it.
# - *sift* compares descriptors of the same places; VLFeat is given the image that is already smoothed.
# - *network* is the paper's, of full width, with random weights: torch as one writes it down, with its own local response
#   normalisation. All start from pictures.
# - *retrieval* starts from features as they are, while faiss has been given unit vectors.
# - *svm* trains all classes at each of eleven values of $C$. LIBLINEAR's dual solver, the default for squared hinge losses, is
#   stopped at a thousand steps, as it always is; its primal one is there to be fair to it.
#
# ## Growth
#
# How much more does more cost? The exponent says: with 1, twice the size takes twice as long.

# %% tags=["hide-input"]
titles = {"flow": "a flow", "retrieval": "169 queries", "mining": "eight detectors"}
series = [row | {"title": titles[row["kernel"]]} for row in found["growth"]]
glue("growth", plots.grown(series), display=False)
plt.close()
for row in series:
    glue(f"exponent-{row['kernel']}", row["exponent"], display=False)
    glue(f"largest-{row['kernel']}", row["sizes"][-1], display=False)

# %% [markdown]
# ```{glue:figure} growth
# :name: figure-growth
# :alt: Three panels with logarithmic axes show processor seconds against the nodes on a side of the grid of a flow, the features in a database and the instances that detectors are trained on; the dashed lines are powers, of {glue:text}`exponent-flow:.2f`, {glue:text}`exponent-retrieval:.2f` and {glue:text}`exponent-mining:.2f`.
#
# *Time against size* on one thread. A flow grows with the nodes on a side of its grid to the {glue:text}`exponent-flow:.2f`
# (four would be every label of every node), a search with its database to the {glue:text}`exponent-retrieval:.2f`, and training
# of detectors with the instances to the {glue:text}`exponent-mining:.2f`.
# ```
#
# ## The paper's full scale

# %% tags=["hide-input"]
glue("scale", Markdown(performance.scale(found["scale"])), display=False)
hours = [sum(row[side] for row in found["scale"]) for side in ("theirs", "ours")]
glue("hours-theirs", hours[0], display=False)
glue("hours-ours", hours[1], display=False)

# %% [markdown]
# What would all of PASCAL VOC 2011 take? {numref}`table-scale` multiplies the counts by the rates above: its 27,450 objects,
# half of them to be aligned with 25 neighbours each, by two features. With the peers it is {glue:text}`hours-theirs:.0f` hours on
# one core, with ours {glue:text}`hours-ours:.1f`. It leaves out reading pictures, scoring, and the choice of parameters;
# `corrlib reproduce` estimates a real run, on your data, before it starts.
#
# :::{table} *Hours of one core* for what takes longest at the paper's full scale, at the rates of {numref}`table-ratios`: an estimate.
# :name: table-scale
#
# ```{glue:md} scale
# :format: myst
# ```
# :::
#
# ## Before anything starts, and around it

# %% tags=["hide-input"]
glue("startup", Markdown(performance.startup(found["startup"])), display=False)
glue("pages", Markdown(performance.pages(found["pages"])), display=False)
sweep = found["sweep"]
glue("points", sweep["points"], display=False)
glue("faster", sweep["loop"] / sweep["sweep"], display=False)
glue("ideal", 100 * sweep["ideal"] / sweep["sweep"], display=False)

# %% [markdown]
# :::{table} *Processor time* of importing the package (torch is not loaded until it is needed), and of the first call of a compiled function, here the solver: compiled once, then read from the disk.
# :name: table-startup
#
# ```{glue:md} startup
# :format: myst
# ```
# :::
#
# A sweep of {glue:text}`points` points of a made-up chapter, in pairs that share most of their work, ran
# {glue:text}`faster:.2f` times as fast as a plain loop over papermill: {glue:text}`ideal:.0f` % of what the work divided by the
# cores would allow. The rest is kernels and workers that start, and it weighs less the longer a point takes.
#
# :::{table} *The pages of this book* when they were executed last, before the benchmarks ran: seconds by the clock, and the most memory that a page's processes had together. A page that finds its work in the cache is fast, and one that is executed beside others is slow.
# :name: table-pages
#
# ```{glue:md} pages
# :format: myst
# ```
# :::
