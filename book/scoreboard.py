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

# %% tags=["parameters", "hide-input"]
data_root: str = ""  # a dataset like VOC 2011; empty: figurines
difficult: bool = True  # whether objects that VOC calls difficult are used
truncated: bool = True  # and those that it calls truncated
weights: str = ""  # a network's file; empty: the figurine network

# %%
from corrlib.publishing import page, scoreboard, tables

data, network = page.setup(globals())
datasets = scoreboard.datasets(data, network)
recorded, built = datasets
differences = {name: scoreboard.differences(each) for name, each in datasets.items()}
here = differences[built]
own = f"{data.name} {data.digest[:8]}, network {network.name} {network.digest[:8]}"
page.set_source(f"{own}; photographs recorded")

# %% [markdown]
# ## At a glance

# %%
count = scoreboard.counts(here)
page.text(f"""
Of the {sum(count.values())} claims of the paper, on {data.name}, {", ".join(f"{n} {'are' if n != 1 else 'is'} {word}" for word, n in count.items())}.
The claim that it ends with, that convnet features are at least as useful as conventional ones in all three tasks, is
**{scoreboard.verdict("all-three-tasks", here)}**.
""")
page.table(
    "glance",
    scoreboard.glance(differences),
    f"""*Verdicts on the paper's claims*: by its own numbers, which have no intervals; on three categories of its photographs; and on {data.name}. Claims
    link to the figures and tables that show them.""",
)

# %%
page.text(f"""
A claim rests on one or more differences, each with its 95 % bootstrap interval. It is

- **supported** if all differences are as claimed, with the whole of each interval;
- **inconclusive (same direction)** if all differences are as claimed, but some interval includes the opposite;
- **inconclusive** if some difference is not as claimed, but its interval includes what is claimed;
- **contradicted** if some difference is not as claimed, with the whole of its interval;
- **not tested** if nothing here measures it; the reason is given with the claim.

Three columns go through all tables:

- *published*: the paper's numbers, on photographs of PASCAL VOC 2011 with the Caffe reference network. It gives no intervals.
- *voc2011 (recorded)*: the same chapters, executed once on three of its twenty categories, which cannot be distributed with this book
  ({scoreboard.recorded("alignment").description}; its neighbours are found without fc7). These are nearly the paper's own instances: here numbers can be
  compared.
- *{data.name} (this build)*: what the chapters found when this book was built, with the network {network.name}.

On figurines, accuracy says how easy or hard figurines are, and nothing about the paper. What can be compared everywhere is which of two methods is
better. Claims are judged by it, and so is the order of the numbers in a table.
""")

# %% [markdown]
# ## Claims
#
# Below each verdict are the differences that it rests on, in percentage points (in section 2: in correlation), positive
# where they agree with the claim, with their 95 % bootstrap intervals. For the values of beta and eta the interval is the
# widest that the intervals of the two values allow. For C there is one cross-validation for each value, and no interval.

# %%
sections = {
    2: "what features preserve",
    3: "alignment",
    4: "classification",
    5: "prediction",
    6: "the conclusion, from the differences to SIFT in the three tasks",
}
for section, title in sections.items():
    page.table(
        f"claims-{section}",
        scoreboard.quoted(section, differences),
        f"*Claims of section {section}*, {title}, on photographs and on {data.name}.",
    )

# %%
page.table(
    "claims-beside",
    scoreboard.quoted(None, differences),
    f"*Claims that the paper does not make*, and the chapters test, on photographs and on {data.name}.",
)

# %% [markdown]
# ## Numbers
#
# Every number of the paper's four tables, those of single categories folded away. On voc2011, a *difference* is from what was
# published of the same categories. Below each table stands which of these lie outside of the 95 % bootstrap interval, and why,
# where that is known. Of Table 2, only the numbers at alpha = 0.1 are published by category.

# %%
numbers = scoreboard.numbers(datasets)
page.table(
    "order",
    scoreboard.orders(numbers, datasets),
    f"""*The order of the paper's numbers* on photographs and on {data.name}: of all pairs of methods with different published numbers, of a mean or
    in a category, how many are in the same order; a pair is reversed where it is in the other order and neither interval reaches the other.""",
)

# %%
means = {
    1: "*Table 1: receptive fields*, sizes and strides in pixels ([visualization](#table-rf))",
    2: "*Table 2: keypoint transfer*, mean PCK in percent with 95 % bootstrap intervals ([alignment](#table-transfer-means))",
    3: "*Table 3: keypoint classification*, mean accuracy in percent with 95 % bootstrap intervals ([classification](#table-naming-means))",
    4: "*Table 4: keypoint prediction*, mean PCK in percent with 95 % bootstrap intervals ([prediction](#table-prediction-means))",
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
            f"Published means outside of the intervals on voc2011:\n\n{scoreboard.outside(numbers, number, recorded)}"
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
# ## How this page is made
#
# Nothing above is written by hand: `corrlib.publishing.scoreboard` reads the paper's tables and claims (`book/published`), and
# the results that the chapters have written.

# %%
page.table(
    "results",
    scoreboard.sources(datasets),
    f"""*Results that were read*, on photographs and on {data.name}: digests of data, network and code, and the seconds that the chapter took.""",
)
