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
# # Scoreboard
#
# What did the paper find, and what does this book find? Every claim and every number of the paper, on one page.
#
# ## At a glance
#
# Of the {glue:text}`claims` claims of the paper, {glue:text}`holds` hold on {glue:text}`tier`, {glue:text}`order` more in order
# only, {glue:text}`fails` do not, {glue:text}`untold` cannot be told, and {glue:text}`not-run` were not run. The one that it
# ends with, that convnet features are at least as useful as conventional ones in all three tasks, {glue:text}`conclusion`.
#
# :::{table} *What became of the paper's claims* (tiers: photos and {glue:text}`tier`): how many have which verdict.
# :name: table-glance
#
# ```{glue:md} glance
# :format: myst
# ```
# :::
#
# holds
# : Everything that the claim rests on is ahead, and so is the whole of each 95 % bootstrap interval.
#
# holds in order only
# : Everything is ahead, but some interval has room for the opposite. (The chapters say of this, too, that it cannot be told.)
#
# cannot be told
# : Something is behind, and its interval has room for the opposite.
#
# does not hold
# : Something is behind with the whole of its interval.
#
# not run here
# : Nothing was measured that could tell; the reason stands beside it.
#
# Three columns go through all tables:
#
# published
# : The paper's numbers, of the photographs of PASCAL VOC 2011 and the Caffe reference network. It gives no intervals.
#
# photos (recorded)
# : The same chapters, executed once on a few hundred photographs that cannot come with this book: {glue:text}`photos`. The
#   network is {glue:text}`photos-network`, which was trained on a million photographs.
#
# {glue:text}`tier` (this build)
# : What the chapters found on your machine, or on the one that built this book, by the network {glue:text}`network`.
#
# These are different worlds, seen by different networks. That accuracy on figurines is far from a published number tells how
# easy or hard that world is, and nothing of the paper. What can be compared is which of two methods is ahead: so judged are
# claims, and the order of the numbers of a table.
#
# ## Claims
#
# Below each verdict is what the claim rests on: by how many percentage points (in section 2: of correlation) one thing is
# ahead of the other, with its 95 % bootstrap interval over instances.
#
# ### Section 2: what features remember
#
# :::{table} *Claims of section 2* (tiers: photos and {glue:text}`tier`).
# :name: table-claims-2
#
# ```{glue:md} claims-2
# :format: myst
# ```
# :::
#
# ### Section 3: alignment
#
# :::{table} *Claims of section 3* (tiers: photos and {glue:text}`tier`). The last interval, of beta, is the widest that those of both values allow.
# :name: table-claims-3
#
# ```{glue:md} claims-3
# :format: myst
# ```
# :::
#
# ### Section 4: classification
#
# :::{table} *Claims of section 4* (tiers: photos and {glue:text}`tier`). There is one cross validation for each C, and no interval.
# :name: table-claims-4
#
# ```{glue:md} claims-4
# :format: myst
# ```
# :::
#
# ### Section 5: prediction
#
# :::{table} *Claims of section 5* (tiers: photos and {glue:text}`tier`). The interval of eta is the widest that those of both values allow.
# :name: table-claims-5
#
# ```{glue:md} claims-5
# :format: myst
# ```
# :::
#
# ### Section 6: conclusion
#
# :::{table} *The conclusion of the paper* (tiers: photos and {glue:text}`tier`): leads over SIFT in the three tasks, as above.
# :name: table-claims-6
#
# ```{glue:md} claims-6
# :format: myst
# ```
# :::
#
# ### Beside the paper
#
# :::{table} *What the paper does not ask* (tiers: photos and {glue:text}`tier`), and its chapters here do.
# :name: table-claims-beside
#
# ```{glue:md} beside
# :format: myst
# ```
# :::
#
# ## Numbers
#
# Every number of the paper's four tables, those of single categories folded away, with verdicts on {glue:text}`tier`:
#
# - A number *holds* if the published one is within its interval. That is asked of the tier voc2011 only, and of Table 1, which
#   depends on no picture. A *difference* means something there alone; between two worlds it stands for completeness.
# - It holds *in order only* if all others beside it in the paper's table, of the same category or mean, are on the same side
#   of it here. It does *not* hold if the interval of one of them lies wholly on the other side of its own.
#
# :::{table} *The order of the paper's numbers* (tiers: photos and {glue:text}`tier`): of all pairs of methods with different published numbers, of a mean or in a category, how many are in the same order; reversed where neither's interval reaches the other's.
# :name: table-order
#
# ```{glue:md} orders
# :format: myst
# ```
# :::
#
# ### Table 1: receptive fields
#
# :::{table} *Sides and strides of receptive fields* in pixels (tiers: photos and {glue:text}`tier`); from {numref}`table-rf`.
# :name: table-numbers-1
#
# ```{glue:md} means-1
# :format: myst
# ```
# :::
#
# ### Table 2: keypoint transfer
#
# :::{table} *Means over categories*, PCK in percent with 95 % bootstrap intervals over instances (tiers: photos and {glue:text}`tier`); from {numref}`table-transfer`.
# :name: table-numbers-2
#
# ```{glue:md} means-2
# :format: myst
# ```
# :::
#
# ::::{dropdown} All twenty categories
# :::{table} *Single categories*, PCK in percent at alpha = 0.1 (tiers: photos and {glue:text}`tier`); from {numref}`table-transfer`.
# :name: table-categories-2
#
# ```{glue:md} categories-2
# :format: myst
# ```
# :::
# ::::
#
# ### Table 3: keypoint classification
#
# :::{table} *Means over categories*, accuracy in percent with 95 % bootstrap intervals over instances (tiers: photos and {glue:text}`tier`); from {numref}`table-naming-means`.
# :name: table-numbers-3
#
# ```{glue:md} means-3
# :format: myst
# ```
# :::
#
# ::::{dropdown} All twenty categories
# :::{table} *Single categories*, accuracy in percent (tiers: photos and {glue:text}`tier`); from {numref}`table-naming`.
# :name: table-categories-3
#
# ```{glue:md} categories-3
# :format: myst
# ```
# :::
# ::::
#
# ### Table 4: keypoint prediction
#
# :::{table} *Means over categories*, PCK in percent at alpha = 0.1 with 95 % bootstrap intervals over instances (tiers: photos and {glue:text}`tier`); from {numref}`table-prediction-means`.
# :name: table-numbers-4
#
# ```{glue:md} means-4
# :format: myst
# ```
# :::
#
# ::::{dropdown} All twenty categories
# :::{table} *Single categories*, PCK in percent at alpha = 0.1 (tiers: photos and {glue:text}`tier`); from {numref}`table-prediction`.
# :name: table-categories-4
#
# ```{glue:md} categories-4
# :format: myst
# ```
# :::
# ::::
#
# ## How this page is made
#
# Nothing above is written by hand: `corrlib.publishing.scoreboard` reads the paper's tables, and the results that the chapters left
# behind ({numref}`table-results`). The parameters of this page:

# %% tags=["parameters"]
difficult: bool = True  # whether objects that VOC calls difficult are used
truncated: bool = True  # and those that it calls truncated
data_root: str = ""  # a data set like VOC 2011; none: figurines
weights: str = ""  # a network's file; none: the figurine network

# %% tags=["hide-input"]
from IPython.display import Markdown
from myst_nb import glue

from corrlib import convnet, experiments
from corrlib.data import open_dataset
from corrlib.publishing import scoreboard, tables

data = open_dataset(data_root, difficult=difficult, truncated=truncated)
network = convnet.load(weights or None)
known = dict(data=data.digest, weights=network.digest)
recorded = scoreboard.read(tables.project() / "results", "photos-{chapter}.json")
built = scoreboard.read(tables.results(), f"{{chapter}}-{data.name}.json", **known)
results = {"photos (recorded)": recorded, f"{data.name} (this build)": built}
tiers, here = list(results), list(results)[-1]
every, claims = scoreboard.numbers(results), scoreboard.claims(results)
glue("origin", f"{experiments.origin(data, network)}; photos recorded", display=False)
about = next(iter(recorded.values()))["provenance"]
texts = dict(tier=data.name, network=network.name, photos=about["photographs"].partition(":")[0])
count = scoreboard.counted(claims, here)
texts |= {"holds": count["holds"], "order": count["holds in order only"], "claims": sum(count.values())}
texts |= {
    "fails": count["does not hold"],
    "untold": count["cannot be told"],
    "not-run": count["not run here"],
}
texts |= {"photos-network": about["network"]}
texts["conclusion"] = claims[-1].verdicts.get(here, scoreboard.NOT_RUN)
for name, value in texts.items():
    glue(name, value, display=False)


def table(name, text):
    glue(name, Markdown(text), display=False)


table("glance", scoreboard.glance(claims, tiers))
table("orders", scoreboard.orders(every, tiers))
for section in range(2, 7):
    own = [one for one in claims if one.section == section and not one.beside]
    table(f"claims-{section}", scoreboard.claimed(own, tiers))
table("beside", scoreboard.claimed([one for one in claims if one.beside], tiers))
for number in range(1, 5):
    table(f"means-{number}", scoreboard.listed(every, number, tiers, means=True))
    if number > 1:
        table(f"categories-{number}", scoreboard.listed(every, number, tiers, means=False))
table("sources", scoreboard.sources(results))

# %% [markdown]
# :::{table} *Results*: digests of data, network and code, and the seconds that the chapter took.
# :name: table-results
#
# ```{glue:md} sources
# :format: myst
# ```
# :::
