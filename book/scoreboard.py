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
# What did the paper find, and what does this book find? This page lists every claim and every number of the paper.

# %% tags=["parameters"]
data_root: str = ""  # folder of a dataset in the layout of VOC 2011; empty: the figurines
difficult: bool = True  # use objects that VOC marks as difficult
truncated: bool = True  # use objects that VOC marks as truncated
weights: str = ""  # file with the weights of a network, or timm:NAME@FILE; empty: the figurine network

# %%
from corrlib.publishing import page, results, scoreboard, tables

data, network = page.setup(globals())
datasets = scoreboard.datasets(data, network)
recorded, built = datasets
differences = {name: scoreboard.differences(each) for name, each in datasets.items()}
here = differences[built]
own = f"{data.name} {data.digest[:8]}, network {network.name} {network.digest[:8]}"
page.set_source(f"{own}; results on photographs were recorded")

# %% [markdown]
# ## At a glance

# %%

there = differences[recorded]
page.text(f"""
Of the paper's {sum(scoreboard.counts(here).values())} claims, {scoreboard.tally(there)} on its own photographs (three categories). On {data.name},
{scoreboard.tally(here)}. The paper concludes that convnet features are at least as useful as conventional ones in all three tasks. On the photographs,
this is {scoreboard.by_task(there)}; on {data.name}, it is {scoreboard.by_task(here)}. The verdict on alignment depends on how the paper is read: see
[the readings](#table-readings).
""")
page.table(
    "glance",
    scoreboard.glance(differences),
    f"""*Verdicts on the paper's claims*: according to the published numbers, which have no intervals (*no numbers*: the paper gives none that could be
    compared); on three categories of the paper's photographs; and on {data.name}. Claims link to the figure or table that shows them on
    {data.name}. The last rows count the verdicts.""",
)

# %%
page.text(f"""
A claim rests on one or more differences, each with its 95 % bootstrap interval. It is

- **supported** if the whole interval of every difference agrees with the claim;
- **inconclusive (same direction)** if all differences agree with the claim, but some interval includes the opposite;
- **inconclusive** if some difference disagrees with the claim, but its interval includes values that agree, or is not known (the choice of C);
- **contradicted** if the whole interval of some difference disagrees with the claim;
- **not tested** if nothing here measures it; the reason is given with the claim.

Where the paper hedges a claim ("in general", "in many cases", "seem to"), its strict form is tested.

The columns of results are:

- *published*: the paper's numbers, on photographs of twenty categories of PASCAL VOC 2011 with the Caffe reference network, and, where they are known,
  over the same three categories as in the next column. The paper gives no intervals.
- *voc2011 (recorded)*: the results of the same chapters, executed once on three of the twenty categories. These photographs cannot be distributed with
  this book ({scoreboard.recorded("alignment").description}; neighbours are found without fc7). They contain nearly the same instances as those used in the
  paper, so these numbers can be compared with the published ones.
- *{data.name} (this build)*: the results of the chapters when this book was built, with the network {network.name}.

On figurines, accuracy shows how easy or hard figurines are, and nothing about the paper. On every dataset, however, one can ask which of two methods is
better. The claims and the order of the numbers in a table are judged by this comparison.
""")

# %% [markdown]
# ## Claims
#
# Below each verdict are the differences on which it is based, with their 95 % bootstrap intervals. They are in percentage points (in
# section 2, they are differences of correlations or of agreement), and are positive where they agree with the claim. For the choices of beta and eta,
# the difference is between the paper's value and the best other one, which is named ("over 0.05"), and the interval is the widest that the intervals of the two compared values allow. For the choice of C, there is one cross validation
# per value, and no interval.

# %%
for section, title in scoreboard.SECTIONS.items():
    page.table(
        f"claims-{section}",
        scoreboard.quoted(section, differences),
        f"*Claims of the paper's section {section}*, {title}, on photographs and on {data.name}.",
    )

# %%
page.table(
    "claims-beside",
    scoreboard.quoted(None, differences),
    f"*Claims that the chapters test but the paper does not make*, on photographs and on {data.name}.",
)

# %% [markdown]
# ## Numbers
#
# This section lists every number of the paper's four tables; those of single categories are folded. On voc2011, a *difference* is
# our number minus the number published for the same categories. Below each table is a list of the published means that lie outside
# our 95 % bootstrap intervals by more than the rounding of the published numbers, with the reason where it is known. In Table 2,
# only the numbers at alpha = 0.1 are published by category.

# %%
numbers = scoreboard.numbers(datasets)
page.table(
    "order",
    scoreboard.orders(numbers, datasets),
    f"""*The order of the paper's numbers* on photographs and on {data.name}: among all pairs of methods whose published numbers (means, or numbers in a
    category) differ, the number of pairs that are in the same order here. On photographs, only means that are published for the same categories are compared
    (those of Table 2 at alpha = 0.1 only). A pair is reversed if it is in the opposite order with disjoint intervals.""",
)

# %%
means = {
    1: "*Receptive fields (the paper's Table 1)*, sizes and strides in pixels ([visualization](#table-rf))",
    2: "*Keypoint transfer (the paper's Table 2)*, mean PCK in percent with 95 % bootstrap intervals ([alignment](#table-transfer-means))",
    3: "*Keypoint classification (the paper's Table 3)*, mean accuracy in percent with 95 % bootstrap intervals ([classification](#table-naming-means))",
    4: "*Keypoint prediction (the paper's Table 4)*, mean PCK in percent with 95 % bootstrap intervals ([prediction](#table-prediction-means))",
}
for number, title in means.items():
    page.table(
        f"numbers-{number}",
        scoreboard.single(numbers, number, list(datasets), means=True),
        f"{title}: published, on photographs and on {data.name}.",
        formats=scoreboard.FORMATS,
    )
    if number > 1:
        page.text(
            "Published means outside the intervals on voc2011, of those that are published for the same categories:\n\n"
            f"{scoreboard.outside(numbers, number, recorded)}"
        )

# %%
categories = {
    2: "Table 2: PCK of transferred keypoints in percent, at alpha = 0.1",
    3: "Table 3: accuracy of keypoint classification in percent",
    4: "Table 4: PCK of predicted keypoints in percent, at alpha = 0.1",
}
for number, title in categories.items():
    rows = tables.markdown(
        scoreboard.single(numbers, number, list(datasets), means=False), scoreboard.FORMATS
    )
    page.text(f"<details>\n<summary>Single categories of {title}</summary>\n\n{rows}\n\n</details>")

# %% [markdown]
# ## The effect of 8-bit weights and of the order of normalisation
#
# The recorded features were computed with BVLC AlexNet, whose convolution weights are rounded to 8 bits here, and which normalises
# before it pools. The paper's network has its weights as they were trained, and pools first. Two experiments estimate the effect of
# these differences. First, the weights are given a second rounding error of the same distribution, which to first order changes a
# number by as much as the first did. Second, pooling is moved before normalisation, although these weights were not trained for
# that order.

# %%
changed = results.read(results.project() / "results" / "voc2011-weights.json")
about, rows = changed["provenance"], changed["values"]["rows"]
most = {
    column: max((abs(row[column][0]), row["number"]) for row in rows)
    for column in ("rounded twice", "pooled first")
}
page.table(
    "weights",
    rows,
    f"""*What the weights and the order of normalisation change* on photographs ({about["photographs"]}; {about["network_weights"]}): means in percent,
    and by how many points they change, with 95 % bootstrap intervals.""",
    formats=dict.fromkeys(most, "+.1f"),
    source=f"{about['dataset']} {about['data'][:8]}, network {about['network']} {about['weights'][:8]}; recorded; commit {about['commit']}",
)
(rounded, of_rounded), (pooled, of_pooled) = most.values()
table_4 = [each for each in numbers if (each.table, each.of) == (4, "mean, alpha = 0.1")]
apart = ", ".join(f"{tables.formatted(each.difference(recorded), '+.1f')} ({each.name})" for each in table_4)
page.text(f"""
A second rounding error changes none of these numbers by more than {rounded:.1f} points ({of_rounded}), and pooling first changes none by more than
{pooled:.1f} ({of_pooled}). Table 2 was not repeated. For comparison, the means of Table 4 differ from the published means of the same categories by {apart}.
""")

# %% [markdown]
# ## How this page is made
#
# No result above is entered by hand: `corrlib.publishing.scoreboard` reads the paper's tables and claims (`book/published`) and the
# results that the chapters have written.

# %%
page.table(
    "results",
    scoreboard.sources(datasets),
    f"""*Results used on this page*, on photographs and on {data.name}: digests of data, network and code, and the seconds until the chapter wrote its
    results, without what was in the cache.""",
)
