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
# # How many keypoints are visible?
#
# This is a template: copy it to `book/<name>.py`, change it, and list it in `_toc.yml`. The first paragraph says what the chapter
# asks, and why. The paper is cited as {cite:t}`long2014`, and other pages are linked as [Alignment](alignment).

# %% tags=["parameters"]
split: str = "val"  # images in which keypoints are counted: "val" or "train"
data_root: str = ""  # folder of a dataset in the layout of VOC 2011; empty: the figurines
weights: str = ""  # file with the weights of a network, or timm:NAME@FILE; empty: the figurine network

# %%
from corrlib.publishing import page

data, network = page.setup(globals())

# %% [markdown]
# A cell has one idea, and ends by showing its result. Expensive computations belong in a module of `corrlib.experiments`, where the
# cache keeps their results.

# %%
import numpy as np

from corrlib.data import crops

counts = {}
for category in data.categories:
    objects = crops.objects(data, category, split)
    counts[category] = np.array([np.isfinite(each.keypoints[:, 0]).sum() for each in objects])

# %% [markdown]
# A table is a list of rows, each with the same columns. A cell is text, a number, or a number with its interval. The book
# numbers the table, links to it as `[the table](#table-visible)`, and offers its rows as CSV and JSON.

# %%
from corrlib import metrics

rows = [
    {"category": category, "objects": len(visible), "visible keypoints": metrics.mean_interval([visible])}
    for category, visible in counts.items()
]
page.table(
    "visible",
    rows,
    f"*Visible keypoints per object* in the {split} images of {data.name}: the mean, with its 95 % bootstrap interval.",
    formats={"visible keypoints": ".1f"},
)

# %% [markdown]
# Figures are made with matplotlib. `FigureClass=LineArt` shows a figure as an SVG, whose colours a dark page inverts; leave it out for
# figures that contain pictures.

# %%
import matplotlib.pyplot as plt

from corrlib.publishing.plots.style import LineArt

means = {category: visible.mean() for category, visible in counts.items()}
most = max(means, key=means.get)
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained", FigureClass=LineArt)
axes.barh(list(means), list(means.values()))
axes.set_xlabel("visible keypoints per object")
page.figure(
    "visible",
    figure,
    f"*Mean number of visible keypoints per object* in the {split} images of {data.name}.",
    alt=f"A horizontal bar for each category. The longest is that of {most}, at {means[most]:.1f} keypoints.",
)

# %% [markdown]
# Numbers in the text come from f-strings. `page.numbers` names the numbers that a sweep such as
# `corrlib sweep <name> -p split=train,val` collects.

# %%
page.numbers({"score": metrics.mean_interval(list(counts.values()))})
page.text(f"""
Of {len(counts)} categories, {most} has the most visible keypoints: {means[most]:.1f} per object.
""")
