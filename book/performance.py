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
# The paper's experiments are small ones done many times: some seven hundred thousand alignments, a million patches to search, a
# thousand support vector machines at a time. Whether a reader can change a chapter and see what happens depends on how long
# these take. This page compares this package with libraries that do the same, or that one would take at first.
#
# One command measures it, and writes the file that this page reads, `benchmarks/results.json`:
#
# ```bash
# make bench
# ```
#
# The speed of a machine, and its other load, change with every measurement; the *ratio* of two times measured side by side hardly
# does. So two sides solve the same problem in turns, on one thread each, timed by the processor seconds that they use, and the
# table shows how many times as long the other side took: the median of some rounds, with the least and the greatest. Before
# that the answers are compared, and where they are not as good as they should be there is no ratio.

# %% tags=["parameters"]
results: str = ""  # a file that make bench has written; empty: the project's

# %%
from pathlib import Path

from corrlib.publishing import page, tables
from corrlib.publishing.results import project

measured = tables.read_benchmarks(Path(results) if results else project() / "benchmarks" / "results.json")
machine = measured["machine"]
flags = ", ".join(flag.upper().replace("_", "-") for flag in machine["flags"]) or "no known flags"
versions = ", ".join(
    f"{name} {version}" for name, version in {"Python": machine["python"], **machine["versions"]}.items()
)
page.set_source(f"benchmarks/results.json of {machine['date']}, {machine['cores']} cores")
page.text(f"""
The numbers below are of {machine["date"]}, {machine["processor"]}, cores: {machine["cores"]}, {flags}, load {machine["load"]:g} at the start. The
versions: {versions}. **No time on this page is that of your machine.**
""")

# %% [markdown]
# ## Ratios

# %%
contests = measured["contests"]
page.table(
    "ratios",
    tables.ratios(contests),
    """*Times of the peers over ours*, on one thread each. In brackets: the least and the greatest of the rounds; bold: below the goal. Of the limit:
    what ours reaches of what one thread of this machine can do at most.""",
)

# %%
missed = tables.missed_goals(contests)
page.text(f"""
Of {sum(row["goal"] is not None and "ratio" in row for row in contests)} goals these are not reached: {"; ".join(missed) or "none"}.
""")

# %%
page.table(
    "checks",
    tables.checks(contests),
    "*How the answers compare*, before anything is timed. Where they are not good enough, there is no ratio.",
)

# %%
limits = measured["limits"]
page.text(f"""
The goals come from a study on another processor. The limits of this one were measured in the same run, on one thread:
{limits["multiply-add"] / 1e9:.0f} thousand million operations per second in multiply-adds, {limits["matrix product"] / 1e9:.0f} in a matrix product, and
{limits["min-plus"] / 1e9:.0f} in the additions and minima that the messages of the flow are made of. Its matrix products in bfloat16, in which newer
processors are faster, run at {limits["bfloat16"] / limits["matrix product"]:.2f} times the rate of those in float32: a search with them, made exact
afterwards, pays only where that number is above one, and is not in this package.
""")

# %% [markdown]
# - *flow* solves the same energy as PyMaxflow's alpha expansion, whose labels are displacements; a *message* is one step of the
#   solver, and the lower envelopes are the textbook's way to compute it.
# - *sift* compares descriptors of the same places; beside VLFeat nothing is smoothed, beside OpenCV the image is.
# - *network* is the paper's, of full width, with random weights: torch as one writes it down, with its own local response
#   normalisation. All start from images.
# - *retrieval* starts from features as they are, while faiss is given unit vectors.
# - *svm* trains all classes at each of eleven values of $C$. LIBLINEAR's dual solver, the default for squared hinge losses, is
#   stopped at a thousand steps, as it always is; its primal one is there to be fair to it.
#
# ## Growth
#
# How much more does more cost? The exponent says: with 1, twice the size takes twice as long.

# %%
from corrlib.publishing import plots

titles = {"flow": "a flow", "retrieval": "169 queries", "mining": "eight detectors"}
exponent = {row["kernel"]: row["exponent"] for row in measured["growth"]}
page.figure(
    "growth",
    plots.grown([{**row, "title": titles[row["kernel"]]} for row in measured["growth"]]),
    f"""*Time against size* on one thread. A flow grows with the nodes on a side of its grid to the {exponent["flow"]:.2f} (four would be every label of
    every node), a search with its database to the {exponent["retrieval"]:.2f}, and training of detectors with the objects to the
    {exponent["mining"]:.2f}.""",
    alt=f"""Three panels with logarithmic axes show processor seconds against the nodes on a side of the grid of a flow, the features in a database
    and the objects that detectors are trained on; the dashed lines are powers, of {", ".join(f"{value:.2f}" for value in exponent.values())}.""",
)

# %% [markdown]
# ## The paper's full scale

# %%
page.table(
    "scale",
    tables.full_scale(measured["scale"]),
    """*Hours of one core* for what takes longest on all of PASCAL VOC 2011, at the rates of the first table: an estimate. Its 27,450 objects are half
    training and half validation; each of these is aligned with 25 neighbours by two features. Reading images, scoring, and the choice of parameters are
    left out; `corrlib reproduce` estimates a real run, on your data, before it starts.""",
    formats=".2f",
)

# %% [markdown]
# ## Before anything starts, and around it

# %%
page.table(
    "startup",
    tables.startup(measured["startup"]),
    """*Processor time* of importing the package (torch is not loaded until it is needed), and of the first call of a compiled function, here the
    solver: compiled once, then read from the disk.""",
)

# %%
sweep = measured["sweep"]
page.text(f"""
A sweep of {sweep["points"]} points of a made-up chapter, in pairs that share most of their work, ran {sweep["loop"] / sweep["sweep"]:.2f} times as fast as a
plain loop over papermill: {100 * sweep["ideal"] / sweep["sweep"]:.0f} % of what the work divided by the cores would allow. The rest is the start of kernels
and workers, and it weighs less the longer a point takes.
""")

# %%
page.table(
    "pages",
    tables.pages(measured["pages"]),
    """*The pages of this book* when they were last executed, before the benchmarks ran: seconds by the clock, and the most memory that a page's processes
    had together. A page whose work is in the cache is fast, and one that is executed beside others is slow.""",
)
