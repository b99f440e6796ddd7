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
# The paper's experiments repeat small computations many times: some seven hundred thousand alignments, a search among a million
# patches, a thousand support vector machines at a time. Whether a reader can change a chapter and see what happens depends on how
# long these take. This page compares this package with other libraries that solve the same problems, or that would be the first
# choice for them.
#
# One command runs the measurements, and writes the file that this page reads, `benchmarks/results.json`:
#
# ```bash
# make bench
# ```
#
# The speed of a machine and its other load change from one measurement to the next, but the *ratio* of two times measured side by
# side hardly changes. Therefore both libraries solve the same problem in turns, on one thread each, and the processor seconds that
# they use are measured. The table shows how many times as long the other library took: the median over several rounds, with the
# minimum and the maximum. The answers are compared before that; if they are not good enough, no ratio is given.

# %% tags=["parameters"]
results: str = ""  # a file written by make bench; empty: the file in the project

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


def recorded(machine):
    return f"benchmarks/results.json of {machine['date']}, {machine['processor']}, {machine['cores']} cores"


page.set_source(recorded(machine))
page.text(f"""
The numbers below were measured on {machine["date"]}. Processor: {machine["processor"]}, {flags}; cores: {machine["cores"]}; load at the start:
{machine["load"]:g}. Versions: {versions}. **Times on your machine will differ.**
""")

# %% [markdown]
# ## Times beside those of other libraries

# %%
contests = measured["contests"]
page.table(
    "ratios",
    tables.ratios(contests),
    """*Time of the peer divided by ours*, on one thread each (*two threads*: wall-clock time). Brackets give the minimum and the maximum over the rounds, if there
    was more than one; ratios below the goal, the ratio that we aimed for, are bold. *Of
    the limit* is the rate that our code reaches, as a share of the maximum rate of one thread of this machine.""",
)

# %%
missed = tables.missed_goals(contests)
goals = sum(row["goal"] is not None and "ratio" in row for row in contests)
page.text(f"""
{f"Goals that are not reached, of {goals}: {'; '.join(missed)}." if missed else f"All {goals} goals are reached."}
""")

# %%
page.table(
    "checks",
    tables.checks(contests),
    "*Comparison of the answers*, made before anything is timed. If an answer is not good enough, no ratio is given.",
)

# %%
limits = measured["limits"]
page.text(f"""
The goals come from a study on another processor. The limits of this processor were measured in the same run, on one thread, in billions of operations per
second: {limits["multiply-add"] / 1e9:.0f} in multiply-adds, {limits["matrix product"] / 1e9:.0f} in a matrix product, and {limits["min-plus"] / 1e9:.0f} in the
additions and minima of which the messages of the flow consist. Matrix products in bfloat16, which are faster on newer processors, run at
{limits["bfloat16"] / limits["matrix product"]:.2f} times the rate of those in float32. A search in bfloat16 whose results are corrected afterwards pays off only
if this number is above one; it is not part of this package.
""")

# %% [markdown]
# - *flow* minimises the same energy as PyMaxflow's alpha expansion, whose labels are displacements, by TRW-S. The weight λ is beta
#   times the squared stride: 0.15 is a beta of 0.0006, and 0.77 the paper's 0.003. A *message* is one step of the
#   solver; lower envelopes are the textbook method of computing it.
# - *sift* compares descriptors at the same places. The image is not smoothed in the comparison with VLFeat, and is smoothed in the
#   comparison with OpenCV.
# - *network* is the paper's network at full width, with random weights. *Torch as written* is a straightforward implementation that
#   uses torch's own local response normalisation. All sides start from images.
# - *retrieval* starts from unnormalised features, whereas faiss is given unit vectors.
# - *svm* trains all classes at each of eleven values of $C$. LIBLINEAR's dual solver, the default for squared hinge losses, is
#   stopped after its usual thousand steps; its primal solver is included for a fair comparison.
#
# ## How time grows with size
#
# How does the cost grow with the size of a problem? If the exponent is 1, twice the size takes twice as long.

# %%
from corrlib.publishing import plots

titles = {"flow": "a flow", "retrieval": "169 queries", "mining": "eight detectors"}
exponent = {row["kernel"]: row["exponent"] for row in measured["growth"]}
page.figure(
    "growth",
    plots.grown([{**row, "title": titles[row["kernel"]]} for row in measured["growth"]]),
    f"""*Time against size* on one thread. The time of a flow grows with the number of nodes on a side of its grid to the power {exponent["flow"]:.2f} (the
    nodes and their labels alone would give a power of four; on larger grids, each label is compared with more others, and more iterations are needed), that of a
    search with the size of its database to the power {exponent["retrieval"]:.2f}, and that of
    training detectors with the number of objects to the power {exponent["mining"]:.2f}.""",
    alt=f"""Three panels with logarithmic axes show processor seconds against the number of nodes on a side of the grid of a flow, of features in a
    database, and of objects that detectors are trained on. Dashed lines show powers of {", ".join(f"{value:.2f}" for value in exponent.values())}.""",
)

# %% [markdown]
# ## The paper's full scale

# %%
page.table(
    "scale",
    tables.full_scale(measured["scale"]),
    """*Estimated hours on one core* on all of PASCAL VOC 2011, at the rates of the first table, for those steps that other libraries could do. Where two of them
    could, the faster one is taken, except for dense SIFT, where it is VLFeat. Half of its 27,450 objects are for
    training and half for validation; each of the latter is aligned with 25 neighbours by two kinds of features. Reading images, scoring and the choice of
    beta and eta are left out; the cross validation of C is included. `corrlib reproduce` estimates a real run on your data before it starts.""",
    formats=".2f",
)

# %% [markdown]
# ## Start-up, sweeps and pages

# %%
page.table(
    "startup",
    tables.startup(measured["startup"]),
    """*Processor time* for importing the package (torch is not loaded until it is needed), and for the first call of a compiled function, here the
    solver. It is compiled once and then read from disk.""",
)

# %%
sweep = measured["sweep"]
page.text(f"""
A sweep of {sweep["points"]} points of an artificial chapter, in pairs that share most of their work, ran {sweep["loop"] / sweep["sweep"]:.2f} times as fast as a
plain loop over papermill. This is {100 * sweep["ideal"] / sweep["sweep"]:.0f} % of the speed that would be possible if the work were divided evenly among the cores. The
rest is spent on starting kernels and workers, which matters less the longer a point takes.
""")

# %%
if book := measured.get("book"):
    before = {each["name"] for each in book["builds"][0]["pages"]}
    added = [each["name"] for each in book["builds"][-1]["pages"] if each["name"] not in before]
    page.table(
        "pages",
        tables.pages(book["builds"]),
        f"""*The pages of this book*, executed from nothing on {book["machine"]["date"]}, with an empty cache: wall-clock seconds, processor seconds of all
        processes, and the peak memory of a page. Two pages are executed at a time, so that a page takes longer than it would alone, and the whole build less
        than the sum. The wall-clock time of the whole build includes drawing the figurines and rendering
        the pages; its processor seconds are the sum over the pages.
        {f"*Earlier version*: commit {book['builds'][0]['commit']}, built in the same way on the same machine. One build followed the other, so the ratio includes any change in the speed of the machine." if len(book["builds"]) > 1 else ""}
        {f"Pages that it did not have: {tables.words(added)}." if added else ""}""",
        source=recorded(book["machine"]),
    )
    page.text("""
    What bounds each page: alignment, the messages of belief propagation; prediction, the passes of the network over crops of 500 pixels and the training of
    detectors; classification, SIFT at keypoints and the features at every pixel for fine localisation; visualization, the search for nearest neighbours; sweeps, detectors of
    shallow layers and many short notebooks.
    """)
else:
    page.text(
        "How long each page of this book takes is not part of this record; `python -m benchmarks --book` adds it."
    )

# %%
if compared := measured.get("sections"):
    rounds = compared["rounds"]
    page.table(
        "sections",
        tables.sections(compared["rows"]),
        f"""*Two versions of this package, in turns*: seconds of the four chapters on one category ({compared["category"]}), each executed alone from an empty
        cache, by commit {compared["earlier"]} (*before*) and commit {compared["commit"]} (*now*). {f"Medians of {rounds} rounds; brackets give the smallest and the largest ratio" if rounds > 1 else "One round only"}.
        The last row of each chapter is the whole command, run again.""",
        formats=".2f",
        source=recorded(compared["machine"]),
    )
    same = [row["chapter"] for row in compared["rows"] if not row["section"] and row["ratio"] < 1.1]
    page.text(f"""
    {f"As a whole, {tables.words(same)} became less than 10 % faster, or slower." if same else ""} *Other sections* now include the measured answers to the exercises, which the earlier version did not have. A single category does not show all: the features of every
    category are computed for the scale of classification, and beta is chosen on the objects of one category instead of twenty. What makes the difference: belief propagation stops as soon as TRW-S has proven that no flow is optimal, and computes
    messages several rows at a time; small batches of crops stay in the processor's cache on their way through the network;
    memory that is freed is used again; dense SIFT takes a few large matrix products instead of many small ones; threads of OpenBLAS sleep between products; and annotations, predictions, errors and
    rebuilt images are kept in the cache.
    """)
