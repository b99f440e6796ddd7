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
# # Instances of a category, aligned
#
# Two bicycles, two cats: no point of one *is* a point of the other, and yet people agree on which points correspond.
# {cite:t}`long2014` conjecture that a network which learns categories aligns their instances on the way. Section 3 tests its
# features in the style of SIFT flow {cite:p}`liu2011`: take the training objects of the same category that look most alike,
# match each of them densely to the object at hand under a smoothness prior, and see where their annotated keypoints land.
# Neighbours are found once, and features of every kind are taken at the same places, so that only the features differ.

# %% tags=["parameters"]
layer: str = "conv4"  # to align by; "sift": the last section reports SIFT
radius: float = 20.0  # of SIFT: the side of one of its 4 x 4 bins, in pixels
smoothing: float = 0.0  # of the image before SIFT, in bins; its scale space has 1/3
alpha: float = 0.1  # tolerance of PCK; no flow depends on it
beta: float | None = None  # weight of the smoothness term; none: chosen on train
betas: list[float] = [3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]  # to choose from
validated: int = 8  # training objects per category that choose
neighbors: int = 25  # training objects that each object is aligned with
top: int = 5  # aligned neighbours whose median is the prediction
missing: str = "most"  # of them must show a keypoint; or any, or the next that do
copy_top: int = 1  # the same of NN transfer
copy_missing: str = "any"  # as missing
size: int = 227  # side of the crops that boxes are warped to
solver: str = "bp"  # the paper's; or trws, with a certified bound
iterations: int = 100  # of the solver, at most
studied: int = 4  # objects per category in the side studies
read: int = 8  # objects per category for other readings of the paper
category: str = ""  # a single category; empty: all
seed: int = 0  # of the objects that are shown
data_root: str = ""  # a dataset like VOC 2011; empty: figurines
difficult: bool = True  # use objects that VOC calls difficult
truncated: bool = True  # and those that it calls truncated
weights: str = ""  # a network's file; empty: the figurine network
retrieval_layer: str = ""  # finds neighbours; empty: fc7, or the mean of conv5 if there is no fc7

# %%
from corrlib.experiments import alignment
from corrlib.publishing import page

data, network, settings = page.setup(globals(), alignment.Settings)

# %% [markdown]
# Each validation object is aligned with its nearest training objects. Categories that have fewer than asked for use all they
# have.

# %%
rows = alignment.prepare(data, network, settings)
fewer = [f"{category} ({near.shape[1]})" for category, near in rows.items() if near.shape[1] < neighbors]

page.text(f"""
{sum(map(len, rows.values())):,} validation objects, each aligned with the {neighbors} training objects of its category that are nearest by the cosine
of {settings.retrieval_layer}. Categories with fewer: {", ".join(fewer) or "none"}.
""")

# %% [markdown]
# ## The energy
#
# Let $p$ be a node of the grid of receptive field centres, $f_s(p)$ the feature of the object there, and $f_t$ those of its
# neighbour. A displacement $w(p)$ leads from $p$ to its match in the neighbour, and the best $w$ minimises
#
# $$
# \begin{aligned}
# E(w) = {} & \sum_p \lVert f_s(p) - f_t(p + w(p)) \rVert_2 \\
# & + \beta \sum_{(p, q) \in \mathcal{E}} \lVert w(p) - w(q) \rVert_2^2
# \end{aligned}
# $$
#
# over the 4-neighbourhood $\mathcal{E}$. The first sum, the *data term*, asks for matches that look alike; the second, the
# *deformation energy*, for a field without jumps. Splines carry $w$ from the grid to every pixel, and a keypoint $k$ of the
# neighbour is transferred by the inverse of the field, to the $p$ with $p + w(p) = k$.
#
# Where the paper is silent or can be read in two ways, the numbers below mean this:
#
# - SIFT's *radius* is the side of one of its $4 \times 4$ bins, and the image is not smoothed before, as in VLFeat's dense SIFT
#   {cite:p}`vedaldi2008`. [Classification](classification) compares this with other readings.
# - Boxes are warped to squares of `size` pixels. Features of a kind are divided by one number, so that their root mean square
#   norm is 1 over a sample of the training set; $w$ is in pixels of the crop.
# - Neighbours are found by `fc7`, which says what is there and hardly where. A network without it uses the mean of `conv5` over
#   its places, which does the same; a whole map such as `pool5` finds neighbours in the same pose, and leaves nothing to align.
# - Neighbours are ordered by deformation energy, lowest first. A keypoint is predicted at the median, by coordinate, of the
#   first `top`, if most of them show it; else the prediction is wrong. [What the paper must have done](#table-readings) says why.
# - Errors are measured in the image, not in the crop. A keypoint is correct if it is closer to the truth than $\alpha$ times
#   the longer side of the original box (PCK, {cite:t}`yang2013`). Accuracy is averaged over the types of keypoint of a
#   category, then over categories.
#
# ## How stiff?
#
# The paper sets $\beta = 3 \cdot 10^{-3}$ for both kinds of features "from validation experiments". They are repeated here on
# training objects, each aligned with the others of its category; nothing is chosen on the validation set. A $\beta$ under which
# most pairs do not move at all is no flow, whatever its score.

# %%
from corrlib.publishing import plots

betas_used, validation = alignment.validate(data, network, settings)
best_betas = " and ".join(
    f"{b:g} for {m}" + " (no flow)" * (m in validation.no_flow) for m, b in validation.best.items()
)
page.figure(
    "beta",
    plots.validated_beta(validation),
    f"""*Validation of beta*: PCK on {validated} training objects per category of {data.name}, averaged over alpha = 0.1, 0.05 and 0.025, with 95 %
    bootstrap intervals; below, the share of pairs in which nothing moves. The best beta is {best_betas}; what follows uses
    {" and ".join(f"{b:g}" for b in betas_used.values())}.""",
    alt=f"""PCK against beta on a logarithmic axis, a curve with its band for convnet flow and one for SIFT flow, and a broken vertical
    line at the paper's beta; below, the share of still pairs, which rises with beta. The highest PCK is at {best_betas}.""",
)

# %% [markdown]
# ## Table 2
#
# *NN transfer* aligns nothing: it copies the keypoints of the most similar neighbour to where they are in its own crop.

# %%
errors = alignment.errors(data, network, settings, betas_used)

# %%
from corrlib import metrics
from corrlib.publishing import tables

pck = {method: metrics.by_category(each, settings.categories, alpha) for method, each in errors.items()}
page.table(
    "transfer",
    tables.by_category(pck, "table2_alpha0.1" * (alpha == 0.1)),
    f"""*The paper's Table 2*: PCK of transferred keypoints in percent, as published (PASCAL VOC 2011, alpha = 0.1) and on {data.name}
    (alpha = {alpha:g}). These are different datasets unless ours is voc2011: compare methods, not numbers.""",
)

# %%
means = {method: metrics.estimate(each, settings.alphas) for method, each in errors.items()}
page.table(
    "transfer-means",
    tables.means(means, settings.alphas, "table2_mean_by_alpha"),
    f"*Means over categories* at each tolerance, published and on {data.name}: mean PCK in percent with 95 % bootstrap intervals.",
)

# %%
at_alpha = {method: 100 * each[settings.alphas.index(alpha)] for method, each in means.items()}
page.figure(
    "pck",
    plots.pck_curves(errors),
    f"*PCK at every tolerance* on {data.name}, with 95 % bootstrap intervals.",
    alt=f"""Mean PCK rising with alpha for convnet flow, SIFT flow and nearest neighbour transfer, with bands, and vertical lines at the paper's
    three tolerances. At alpha = {alpha:g} they are at {", ".join(f"{value[0]:.1f}" for value in at_alpha.values())} %.""",
)

# %% [markdown]
# ## What the paper claims of alignment
#
# On average, the paper says, "convnet flow performs as well as SIFT flow, and performs a bit better for stricter tolerances";
# both should beat copying; and ordering neighbours by deformation "outperform[s] ordering using the data term". Each claim is
# judged by the bootstrap, with the same resampled images for both methods: it is *supported* only where the whole interval
# is on its side. Beside it is the same chapter, executed on photographs.

# %%
from corrlib.publishing import scoreboard

ordered = alignment.by_order(data, network, settings, betas_used)
differences = alignment.differences(errors, ordered)
photos = scoreboard.recorded("alignment")
claims, caption, fared = scoreboard.beside_photos(data.name, differences, photos)
page.table("claims", claims, caption)
page.text(fared)

# %%
page.table(
    "photos",
    tables.by_category(photos.values["pck"], "table2_alpha0.1", photos.values["means"]),
    f"""*The paper's own photographs* ({photos.description}): PCK in percent at alpha = 0.1 of {photos.values["objects"]:,} objects, published and
    recorded by this chapter, with 95 % bootstrap intervals.""",
    source=photos.source,
)

# %% [markdown]
# ## What the paper must have done
#
# The text can be read in several ways. Here each choice is changed alone, on the paper's own photographs, and the outcome is
# compared with the published Table 2: three methods in each category. The chapter uses the marked readings. They were chosen
# because they follow the words of the paper, and among those come near its numbers, never because a method does well.

# %%
own = data.name == "voc2011"
read_rows = alignment.readings(data, network, settings, betas_used) if own else photos.values["readings"]
page.table(
    "readings",
    tables.readings(read_rows, "table2_alpha0.1"),
    """*Readings of the paper* on photographs of PASCAL VOC 2011: mean PCK in percent at alpha = 0.1, the share of pairs that do not move, in percent,
    and the mean distance from the published numbers, in points. The chapter's readings are bold.""",
    source="" if own else photos.source,
)
page.text(tables.readings_in_words(read_rows, "table2_alpha0.1"))

# %% [markdown]
# ## What it looks like
#
# In a good alignment, five different objects take the pose and the proportions of the target, and their keypoints fall on
# its own.

# %%
shown = alignment.shown(settings)
examples = [alignment.examples(data, network, settings, category, betas_used) for category in shown]
page.figure(
    "aligned",
    plots.transferred(examples),
    f"""*The paper's Figure 3* on {data.name} ({", ".join(shown)}). Left: a target, drawn from the larger half of those that are neither truncated
    nor difficult, with its own keypoints. Middle: the {top} least deformed neighbours, warped to it, with their transferred keypoints. Right:
    those keypoints copied onto the target. A keypoint has one colour and shape throughout.""",
    alt=f"""For each target, at the left with dots on its keypoints, two rows of {top} neighbours warped to it, by convnet flow above and by SIFT
    flow below, with their transferred keypoints; at the right the target again with all of these dots copied onto it.""",
)

# %%
stride = network.receptive_fields[settings.convnet_layer].stride
page.figure(
    "field",
    plots.displacements(examples[0]),
    f"""*Displacement fields* of the first target and the least deformed of its neighbours ({data.name}). An arrow leads from a place of the target
    to its match in the neighbour; its colour is its direction.""",
    alt=f"""A target, arrows on it that lead from each grid node, {stride} pixels apart, to its match, the neighbour, and the neighbour warped to
    the target; convnet features above, SIFT below.""",
)

# %% [markdown]
# An arrow is one point. The explorer has all of them: point at a place of the object, and see where each flow takes it in five
# neighbours, and where it truly is.

# %%
from corrlib.publishing import explorer

page.figure(
    "followed",
    explorer.places(data, network, settings, shown[:1], betas_used),
    f"""*Where a point goes* ({data.name}): the largest whole object of the first few of a category, and its five most similar training objects. Below
    each, how far each flow is from the truth, in pixels of the crop of {size}; the truth is known of figurines only. Other layers and radii are
    in [Try it yourself](explorer).""",
)

# %% [markdown]
# ## The certified optimum
#
# The paper minimises the energy by belief propagation (BP, {cite:t}`felzenszwalb2006`), which promises nothing on a grid with
# loops. Sequential tree-reweighted message passing (TRW-S, {cite:t}`kolmogorov2006`) also proves how low the energy can be at
# all, so it can tell what the optimum itself does to Table 2.

# %%
some = alignment.few(settings)
solved = alignment.solvers(data, network, some, betas_used)
by_feature = alignment.by_feature(data, network, some, betas_used)
page.table(
    "solvers",
    tables.solvers(solved, by_feature["NN transfer"]),
    f"""*Two solvers of one energy* on {data.name} ({2 * studied} objects each of {", ".join(some.categories)}), in percent: alignments that move
    nothing (no flow); those within 0.1 % of the lower bound that TRW-S certifies (optimal); the excess of the energy over that bound, its median
    and at most; and PCK (alpha = {alpha:g}) with its 95 % bootstrap interval.""",
)


# %%
def unmoved(solved, solver):
    shares = alignment.unmoved(solved, solver)
    return " and ".join(f"{100 * share:.0f} % of the pairs by {method}" for method, share in shares.items())


page.text(f"""
At the paper's $\\beta$ the optimum moves nothing at all for {unmoved(solved, "trws")}; on the recorded photographs, for
{unmoved(photos.values["solvers"], "trws")}. BP finds nothing better than no flow for {unmoved(solved, "bp")} (both solvers start from no flow and never
end above its energy). Where nothing moves, keypoints are copied and all deformation energies are equal: such a flow *is* NN transfer. The larger these
shares are, the less can the paper's value have meant what it means here. Its text gives neither the unit of $w$ nor the norm of the features.
""")

# %% [markdown]
# ## Which neighbours to believe
#
# The aligned neighbours can be ordered by deformation energy, as in the paper; by the data term; by the energy, their sum; by
# similarity, as they were retrieved; and by an oracle that knows where their keypoints should land. The gain of the oracle is
# what a better choice of neighbours could give, without any better alignment.

# %%
orders = {
    method: {order: 100 * metrics.estimate(each, [alpha])[0] for order, each in by_order.items()}
    for method, by_order in ordered.items()
}
page.table(
    "orders",
    [{"method": method, **by_order} for method, by_order in orders.items()],
    f"""*Orders of the {neighbors} neighbours* on {data.name}: mean PCK in percent when the first {top} decide (alpha = {alpha:g}), with 95 %
    bootstrap intervals.""",
)

# %% [markdown]
# ## Every layer, every radius
#
# The paper takes `conv4` and radius 20 because of its section 4. Here all layers and radii are compared, each with the $\beta$
# chosen above for its kind.

# %%
best = max(by_feature, key=lambda label: by_feature[label][0])
page.figure(
    "features",
    plots.aligned_by_feature(by_feature),
    f"""*Alignment by every layer and every radius of SIFT* on {data.name} ({2 * studied} objects each of {", ".join(some.categories)};
    alpha = {alpha:g}), all at the same places, with 95 % bootstrap intervals.""",
    alt=f"""Mean PCK of alignment by conv1 to conv5 and by SIFT of radius 10 to 160, with intervals, each beside that of nearest neighbour transfer.
    {best} is the highest with {100 * by_feature[best][0]:.1f} %.""",
)

# %% [markdown]
# ## Every pixel
#
# Keypoints sample an alignment where people found a place worth naming. On figurines the true match of every pixel is known, so
# an alignment can be scored at all pixels that an object and each of its nearest neighbours both show, beside the annotated
# keypoints of the same pairs (one neighbour at a time, no median).

# %%
dense = alignment.every_pixel(data, network, settings, betas_used)
page.table(
    "dense",
    tables.dense(dense),
    f"""*Dense alignment* ({studied} objects per category of {data.name}; only figurines have the truth): distance from the true place, in pixels of the
    crop, as the median of each object, and the share in percent that is closer than alpha times the side; means with 95 % bootstrap intervals.""",
)

# %% [markdown]
# A pair that cannot be aligned (another pose, another side) is torn further apart, which the median of an object shows more than the
# share of close places. That is why the paper aligns many neighbours and believes the least deformed; here the neighbours are the
# nearest ones, however they were deformed.
#
# ## Takeaway

# %%
reported = list(errors)[layer == "sift"]
page.numbers({"score": at_alpha[reported]})
page.numbers(
    {f"{a:g}": 100 * value for a, value in zip(settings.alphas, means[reported], strict=True)}, prefix="score"
)
page.numbers({method.replace(" ", "-"): value for method, value in at_alpha.items()}, prefix="pck")

# %%
results = dict(
    objects=sum(map(len, rows.values())),
    alphas=settings.alphas,
    beta=betas_used,
    validated=vars(validation) | {"best": validation.best, "no_flow": validation.no_flow},
    readings=read_rows,
)
results |= dict(
    pck=pck, means=means, claims=differences, orders=orders, solvers=solved, features=by_feature, dense=dense
)
page.save(results)

# %%
recorded = [
    f"{name} has {tables.formatted([100 * v for v in each[0]])} %"
    for name, each in photos.values["means"].items()
]
page.text(f"""
{reported} at alpha = {alpha:g} on {data.name}: mean PCK {tables.formatted(at_alpha[reported])} %, where NN transfer, which aligns nothing, has
{tables.formatted(at_alpha["NN transfer"])} %. On the paper's photographs, at 0.1, {", ".join(recorded)}. {fared}

Another `alpha` reuses every flow of this run; [sweeps](sweeps) change several parameters at once:
`corrlib sweep alignment -p layer=conv3,conv4 -p alpha=0.05,0.1 --out runs/align`.
""")

# %% [markdown]
# ## Exercises
#
# One category is enough to see most effects, and fast. Run the commands in the project's folder.
#
# **1. The paper's stiffness.** Align cats with the $\beta$ that the paper names:
#
# ```bash
# corrlib run alignment -p category=cat -p beta=3e-3 -o stiff.ipynb
# ```
#
# Look at the figure of displacement fields first, then at the three means of Table 2.

# %%
page.text(f"""
<details>
<summary>What to look for</summary>

In this chapter the optimum at that $\\beta$ moves nothing for {unmoved(solved, "trws")}. Arrows without length are what it looks like, and flow and NN
transfer come close to each other; what difference remains is the order of the neighbours. If you see long arrows somewhere, find out what the two
pictures have in common there.

</details>
""")

# %% [markdown]
# **2. Whom to believe.** Let the single least deformed neighbour decide, then fifteen:
#
# ```bash
# corrlib sweep alignment -p category=cat -p top=1,5,15 --out runs/top
# ```
#
# The paper takes five. Is one as good? Why is it a median, not a mean?

# %%
conv_orders = orders[f"{settings.convnet_layer} flow"]
page.text(f"""
<details>
<summary>What to look for</summary>

A neighbour whose alignment failed puts a keypoint anywhere. A mean follows it; a median of five withstands two such neighbours. More neighbours make the
median more stable, and bring in worse ones. The oracle shows how much a better choice could still give: {tables.formatted(conv_orders["oracle"])} % in place of
{tables.formatted(conv_orders["deformation"])} %, for {settings.convnet_layer} over all categories.

</details>
""")

# %% [markdown]
# **3. Other layers.** Which layer aligns best, at a loose and at a strict tolerance?
#
# ```bash
# corrlib sweep alignment -p category=cat -p layer=conv1,conv3,conv5 -p alpha=0.025,0.1 --out runs/layers
# ```
#
# Open `runs/layers/results.html`. Does the order of the layers change with $\alpha$?

# %%
page.text(f"""
<details>
<summary>What to look for</summary>

Over the categories compared above, {best} is best with {tables.formatted(100 * by_feature[best])} %. A shallow layer knows edges and colours: good at strict
tolerances if it finds the right place at all. A deep one knows parts. With the few objects of a single category the intervals are wide: compare them
before you believe an order.

</details>
""")

# %%
page.text(f"""
**4. To think about.** Units of {settings.convnet_layer} are {stride} pixels apart, and matches lead from unit to unit. At $\\alpha = 0.025$ a keypoint of a
square object has to land within {0.025 * size:.1f} pixels of the crop of {size}. How can any keypoint be correct, other than by luck?

<details>
<summary>An answer</summary>

Displacements of neighbouring units differ, and splines carry them to the pixels between: a match that is right to half a stride at four units is averaged
to something finer between them. The median of five neighbours, whose errors differ, does the same again. And keypoints that are copied without any flow
are sometimes close, because boxes are alike.

</details>
""")
