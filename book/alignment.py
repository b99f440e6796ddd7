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
# Two bicycles, two cats: no point of one *is* a point of the other, and still people agree on which goes with which.
# {cite:t}`long2014` conjecture that a network that learns categories aligns their instances on the way. Section 3 puts
# its features to the test in the style of SIFT flow {cite:p}`liu2011`: take the training instances of the same category
# that look most alike, match each of them densely to the instance at hand under a smoothness prior, and see where their
# annotated keypoints land. Neighbours are found once, and features of every kind are taken at the same places, so that
# only the features differ.
#
# The parameters of this chapter:

# %% tags=["parameters"]
layer: str = "conv4"  # to align by; "sift": the last section reports SIFT
radius: float = 20.0  # of SIFT in pixels: half the side of its 4 x 4 bins
alpha: float = 0.1  # tolerance of PCK; no flow depends on it
beta: float | None = None  # of the smoothness term; none: chosen on train
betas: list[float] = [1e-4, 2e-4, 4e-4, 8e-4, 3e-3]  # to choose from
neighbors: int = 25  # training instances that each is aligned with
top: int = 5  # aligned keypoints whose median is the prediction
size: int = 227  # side of the squares that boxes are warped to
solver: str = "trws"  # with a certified bound; or bp, the paper's
iterations: int = 100  # of the solver, at most
studied: int = 4  # instances a category in the side studies
category: str = ""  # a single one; none: all
seed: int = 0  # of the instances that are shown
data_root: str = ""  # a data set like VOC 2011; none: figurines
difficult: bool = True  # whether objects are used that VOC calls difficult
truncated: bool = True  # and those that it calls truncated
weights: str = ""  # a network's file; none: the figurine network
retrieval_layer: str = ""  # finds neighbours; none: fc7, or pool5 if there is no fc7

# %% tags=["hide-input"]
import time
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, Markdown
from myst_nb import glue

from corrlib import cache, convnet, experiments, metrics
from corrlib.data import crops, open_dataset
from corrlib.experiments.alignment import claims, examples, features, report, scores, studies
from corrlib.publishing import plots, tables
from corrlib.publishing.explorer import places
from corrlib.publishing.explorer.aligned import CONV, SIFT, named

started = time.perf_counter()
data = open_dataset(data_root, difficult=difficult, truncated=truncated)
network = convnet.load(weights or None)
glue("origin", experiments.origin(data, network), display=False)
retrieval_layer = retrieval_layer or next(name for name in crops.SIGNATURES if name in network.layers)
world = (data, network, [category] if category else list(data.categories))
copying = dict(count=neighbors, retrieval_layer=retrieval_layer, size=size)
common = dict(copying, solver=solver, iterations=iterations)
flow_errors = partial(scores.flow_errors, *world, top=top, **common)
conv, alphas = "conv4" if layer == "sift" else layer, list(dict.fromkeys([*claims.ALPHAS, alpha]))
names = f"{conv} flow", "SIFT flow" if radius == 20 else f"SIFT flow, radius {radius:g}"
finding = dict(count=neighbors, layer=retrieval_layer, size=size)
near = features.prepare(*world, [conv, radius], **finding)
few = [f"{c} ({rows.shape[1]})" for c, rows in zip(world[2], near, strict=True) if rows.shape[1] < neighbors]
results = {"instances": sum(map(len, near)), "alphas": alphas, "betas": betas}
texts = dict(tier=data.name, network=network.name, instances=f"{results['instances']:,}", conv=conv)
texts |= dict(few=", ".join(few) or "none", alpha=f"{alpha:g}", retrieval=retrieval_layer, top=top, size=size)
for name, value in dict(texts, neighbors=neighbors, studied=studied, twice=2 * studied).items():
    glue(name, value, display=False)

# %% [markdown]
# Data tier: **{glue:text}`tier`**; network: **{glue:text}`network`**; {glue:text}`instances` instances of val, each
# aligned with the {glue:text}`neighbors` training instances of its category that are nearest by the cosine of
# {glue:text}`retrieval`. Categories that have fewer, and take what there is: {glue:text}`few`.
#
# ## The energy
#
# Let $p$ be a node of the grid of receptive field centres, $f_s(p)$ the feature of the instance there, and $f_t$ those
# of its neighbour. A displacement $w(p)$ leads from $p$ to its match in the neighbour, and the best $w$ has the least
#
# $$
# \begin{aligned}
# E(w) = {} & \sum_p \lVert f_s(p) - f_t(p + w(p)) \rVert_2 \\
# & + \beta \sum_{(p, q) \in \mathcal{E}} \lVert w(p) - w(q) \rVert_2^2
# \end{aligned}
# $$
#
# over the 4-neighbourhood $\mathcal{E}$. The first sum, the *data term*, wants matches that look alike; the second, the
# *deformation energy*, a field without jumps. Splines carry $w$ from the grid to every pixel, and a keypoint $k$ of the
# neighbour lands where the inverse of the field leads, at the $p$ with $p + w(p) = k$.
#
# Where the paper is silent or can be read in two ways, this is what the numbers below mean:
#
# - Boxes are warped to squares of {glue:text}`size` pixels. Features of a kind are divided by one number, so that their
#   norm is 1 in the root mean square over a sample of the training set; $w$ is in pixels of the square.
# - Neighbours are ordered by deformation energy, least first. A keypoint is predicted at the median, coordinate by
#   coordinate, of the first {glue:text}`top` *aligned keypoints* in that order: those of the first neighbours that show it.
# - Errors are measured in the image, not in the square. A keypoint is correct if it is closer to the truth than $\alpha$
#   times the longer side of the original box (PCK, {cite:t}`yang2013`). Accuracy is averaged over the types of keypoint
#   of a category, then over categories.
#
# ## How stiff?
#
# The paper sets $\beta = 3 \cdot 10^{-3}$ for both kinds of features "from validation experiments". {numref}`figure-beta`
# repeats them on training instances, aligned with the others of their category; nothing is chosen on val.

# %% tags=["hide-input"]
methods, validated = {}, {}
for name, feature, kind in zip(names, (conv, radius), ("conv", "sift"), strict=True):
    how = dict(common, feature=feature, limit=studied, top=top)
    best, validated[name] = scores.validate(*world, betas, **how)
    methods[name] = dict(feature=feature, beta=best if beta is None else beta)
    glue(f"best-{kind}", f"{best:g}", display=False)
    glue(f"beta-{kind}", f"{methods[name]['beta']:g}", display=False)
results |= dict(validated=validated, beta={name: own["beta"] for name, own in methods.items()})
lines = {name: 100 * values for name, values in validated.items()}
how = dict(xlabel="beta", ylabel="mean PCK in percent, alpha = 0.1", logarithmic=True)
drawn = plots.curves(betas, lines, marks={"the paper's": studies.PAPER_BETA}, **how)
glue("beta", drawn, display=False)
plt.close()

# %% [markdown]
# ```{glue:figure} beta
# :name: figure-beta
# :alt: Mean PCK against beta on a logarithmic axis, a curve with its band for convnet features and one for SIFT, and a broken vertical line at the paper's beta. The convnet curve is highest at {glue:text}`best-conv`, that of SIFT at {glue:text}`best-sift`.
#
# *Validation of beta* (tier: {glue:text}`tier`): mean PCK of {glue:text}`studied` training instances a category at alpha = 0.1, whatever the parameter, with 95 % bootstrap intervals over them. The best is {glue:text}`best-conv` for {glue:text}`conv` and {glue:text}`best-sift` for SIFT; what follows uses {glue:text}`beta-conv` and {glue:text}`beta-sift`.
# ```
#
# ## Table 2
#
# *NN transfer* aligns nothing: its keypoints are those of the neighbours, the most similar first, where they are in
# their own squares.

# %% tags=["hide-input"]
errors = {name: flow_errors(**own) for name, own in methods.items()}
errors["NN transfer"] = scores.copy_errors(*world, top=top, **copying)
results["pck"] = scores.by_category(errors, world[2], alpha)
results["means"] = {name: metrics.estimate(each, alphas) for name, each in errors.items()}
for number, values in enumerate(results["means"].values()):
    glue(f"mean-{number}", report.percent(values[alphas.index(alpha)]), display=False)
results["intervals"] = {
    name: {c: metrics.bootstrap([one], alpha) for c, one in zip(world[2], each, strict=True)}
    for name, each in errors.items()
}
table = report.table_2(results["pck"], results["means"], alphas, alpha)
glue("table-2", Markdown(table), display=False)
tolerances = np.linspace(0.005, 0.3, 60)
lines = {name: 100 * metrics.estimate(each, tolerances) for name, each in errors.items()}
marks = {f"alpha = {a:g}": a for a in claims.ALPHAS}
drawn = plots.curves(tolerances, lines, xlabel="alpha", ylabel="mean PCK in percent", marks=marks)
glue("pck", drawn, display=False)
plt.close()

# %% [markdown]
# :::{table} *The paper's Table 2.* PCK of transferred keypoints in percent: as published in the paper (PASCAL VOC 2011, alpha = 0.1) and ours (tier: {glue:text}`tier`, network {glue:text}`network`, alpha = {glue:text}`alpha`). Last, means over categories at each tolerance, ours with 95 % bootstrap intervals over instances. The two are of different worlds unless the tier is voc2011: compare methods, not numbers.
# :name: table-transfer
#
# ```{glue:md} table-2
# :format: myst
# ```
# :::
#
# ```{glue:figure} pck
# :name: figure-pck
# :alt: Mean PCK rising with alpha for convnet flow, SIFT flow and nearest neighbour transfer, with bands, and vertical lines at the paper's three tolerances. At alpha = {glue:text}`alpha` they are at {glue:text}`mean-0`, {glue:text}`mean-1` and {glue:text}`mean-2` %.
#
# *PCK at every tolerance* (tier: {glue:text}`tier`), with 95 % bootstrap intervals over instances.
# ```
#
# ## What the paper claims, and what can be told
#
# On average, the paper says, "convnet flow performs as well as SIFT flow, and performs a bit better for stricter
# tolerances"; both should beat copying; and ordering neighbours by deformation "outperform[s] ordering using the data
# term". {numref}`table-claims` judges each by the bootstrap, with the same draws of instances for both methods: a claim
# *holds* only where its whole interval says so. Beside it is this chapter executed on photographs ({numref}`table-photos`).

# %% tags=["hide-input"]
ordered = {n: {by: flow_errors(order=by, **own) for by in scores.ORDERS} for n, own in methods.items()}
judged = claims.claims(*errors, errors=errors, by_data={name: each["data"] for name, each in ordered.items()})
results["claims"] = judged
record = cache.read_result(tables.project() / "results" / "photos-alignment.json")
photos, about = record["values"], record["provenance"]
columns = (f"{data.name} (this page)", judged), ("photos (recorded)", photos["claims"])
glue("claims", Markdown(report.claims(*columns)), display=False)
glue("photos", Markdown(report.means(photos["means"], photos["alphas"])), display=False)
glue("verdicts", report.verdicts(judged), display=False)
texts = dict(network=about["network"], set=about["photographs"], n=photos["instances"])
texts |= dict(verdicts=report.verdicts(photos["claims"]), by=about["parameters"]["retrieval_layer"])
texts |= dict(origin=experiments.recorded(about))
for name, value in dict(texts, beta=" and ".join(map("{:g}".format, photos["beta"].values()))).items():
    glue(f"photos-{name}", value, display=False)

# %% [markdown]
# :::{table} *The paper's claims*, judged here (tier: {glue:text}`tier`) and on photographs (tier: photos). Below each verdict the tolerance, and the lead in percent with its 95 % bootstrap interval over instances.
# :name: table-claims
#
# ```{glue:md} claims
# :format: myst
# ```
# :::
#
# :::{table} *The same chapter on photographs* (tier: photos, network {glue:text}`photos-network`; {glue:text}`photos-set`). {glue:text}`photos-n` instances, neighbours by {glue:text}`photos-by`, beta {glue:text}`photos-beta`: mean PCK in percent with 95 % bootstrap intervals over instances. [{glue:text}`photos-origin`]{.provenance}
# :name: table-photos
#
# ```{glue:md} photos
# :format: myst
# ```
# :::
#
# Of these claims, {glue:text}`verdicts` on {glue:text}`tier`, and {glue:text}`photos-verdicts` on the recorded photographs.
#
# ## What it looks like
#
# {numref}`figure-aligned` is laid out as the paper's Figure 3. In a good alignment five different instances take the pose
# and the proportions of the target, and their dots fall where its own are.

# %% tags=["hide-input"]
shown = [c for c in ("cat", "bicycle") if c in world[2]]
others = [c for c in world[2] if c not in shown]
shown += [others[i] for i in np.random.default_rng(seed).permutation(len(others))[: 4 - len(shown)]]
aligned = [examples.examples(data, network, c, seed, methods, top=top, **common) for c in shown]
glue("aligned", plots.transferred(**examples.panels(aligned)), display=False)
glue("field", plots.displacements(**examples.fields(aligned[0])), display=False)
plt.close("all")
glue("shown", ", ".join(shown), display=False)

# %% [markdown]
# ```{glue:figure} aligned
# :name: figure-aligned
# :alt: For each target, at the left with dots on its keypoints, two rows of {glue:text}`top` neighbours warped to it, by convnet flow above and by SIFT flow below, with their transferred keypoints; at the right the target again with all of these dots copied onto it.
#
# *The paper's Figure 3* (tier: {glue:text}`tier`; {glue:text}`shown`). Left: a target, drawn from the larger half of those that are neither truncated nor difficult, with its own keypoints. Middle: the {glue:text}`top` least deformed neighbours, warped to it, with their keypoints transferred. Right: those keypoints copied onto the target. A keypoint has one colour and shape throughout.
# ```
#
# ```{glue:figure} field
# :name: figure-field
# :alt: A target, arrows on it that lead from each grid node, {glue:text}`stride` pixels apart, to its match, the neighbour, and the neighbour warped to the target; convnet features above, SIFT below.
#
# *Displacement fields* (tier: {glue:text}`tier`) of the first target and the least deformed of its neighbours. An arrow leads from a place of the target to its match in the neighbour; its colour is its direction.
# ```
#
# An arrow is one point. {numref}`figure-followed` has all of them: point at a place of the object, and see where each flow
# takes it in five neighbours, and where it truly is.

# %% tags=["hide-input"]
kinds = {CONV: {named(conv): methods[names[0]]}, SIFT: {named(radius): methods[names[1]]}}
alt = "An object with a point on it, and five neighbours with the places where convnet flow and SIFT flow lead and the true ones."
chosen = {kind: next(iter(choices)) for kind, choices in kinds.items()}
widget = places.explorer(data, network, {c: kinds for c in shown[:1]}, chosen, alt, **common)
glue("followed", HTML(widget), display=False)
plt.close()

# %% [markdown]
# ```{glue:figure} followed
# :name: figure-followed
#
# *Where a point goes* (tier: {glue:text}`tier`): the largest whole object of the first few of a category, and its five most similar training instances. Below each, how far each flow is from the truth, in pixels of the square of {glue:text}`size`; the truth is known of figurines only. Other layers and radii are in {doc}`explorer`.
# ```
#
# ## The certified optimum
#
# The paper minimises the energy by belief propagation (BP, {cite:t}`felzenszwalb2006`), which promises nothing on a grid
# with loops. Sequential tree-reweighted message passing (TRW-S, {cite:t}`kolmogorov2006`) also proves how low the energy can
# be at all, so {numref}`table-solvers` can tell what the optimum itself does to Table 2.

# %% tags=["hide-input"]
some, how = (data, network, studies.few(world[2])), dict(limit=2 * studied, top=top)
copied = metrics.estimate(scores.copy_errors(*some, **how, **copying), [alpha])[0]
solved = studies.solvers(*some, methods, alpha=alpha, **how, **common)
glue("solvers", Markdown(report.solvers(solved, copied)), display=False)
glue("some", ", ".join(some[2]), display=False)
results |= dict(some=some[2], solvers=solved)
for which in ("trws", "bp"):
    glue(f"still-{which}", report.still(solved, which), display=False)
glue("photos-still", report.still(photos["solvers"], "trws"), display=False)

# %% [markdown]
# :::{table} *Two solvers of one energy* (tier: {glue:text}`tier`; {glue:text}`twice` instances each of {glue:text}`some`, with {glue:text}`neighbors` neighbours), in percent: alignments that move nothing; those within 0.1 % of the bound that TRW-S certifies and stops at (optimal); how far above it the energy is, in the median (excess) and at most; and PCK (alpha = {glue:text}`alpha`) with its 95 % bootstrap interval.
# :name: table-solvers
#
# ```{glue:md} solvers
# :format: myst
# ```
# :::
#
# At the paper's $\beta$ the optimum moves nothing at all for {glue:text}`still-trws`; on the recorded photographs, for
# {glue:text}`photos-still`. BP finds nothing better than no flow for {glue:text}`still-bp` (both solvers start from no flow
# and never end above its energy). Where nothing moves, keypoints are copied as they are and all deformation energies are
# equal: what is called flow is NN transfer. As far as these shares are large, the paper's number must have meant something
# weaker than it does here: other units of $w$, other norms of the features, or a solver that ends far from the minimum. Its
# text does not say.
#
# ## Which neighbours to believe
#
# {numref}`table-orders` orders the aligned neighbours by deformation energy, as the paper does; by the data term; by the
# energy, their sum; by similarity, as they were retrieved; and as an oracle would that knows where their keypoints
# should land. What the oracle gains is there to be had by a better choice, without a better alignment.

# %% tags=["hide-input"]
orders = {n: {by: metrics.estimate(e, [alpha])[0] for by, e in one.items()} for n, one in ordered.items()}
glue("orders", Markdown(report.orders(orders)), display=False)
results["orders"] = orders

# %% [markdown]
# :::{table} *Orders of the {glue:text}`neighbors` neighbours*: mean PCK in percent when the first {glue:text}`top` decide (tier: {glue:text}`tier`, alpha = {glue:text}`alpha`), with 95 % bootstrap intervals over instances.
# :name: table-orders
#
# ```{glue:md} orders
# :format: myst
# ```
# :::
#
# ## Every layer, every radius
#
# The paper takes `conv4` and radius 20 because of its section 4. In {numref}`figure-features` all layers and
# radii try, each with the $\beta$ that was chosen above for its kind.

# %% tags=["hide-input"]
how |= dict(common, alpha=alpha)
by_feature = studies.features(*some, list(results["beta"].values()), **how)
points = {"flow": 100 * np.stack(list(by_feature.values()))}
baseline = {"NN transfer": 100 * np.tile(copied, (len(by_feature), 1))}
drawn = plots.intervals(list(by_feature), points, baseline=baseline, label="mean PCK in percent")
glue("features", drawn, display=False)
plt.close()
results["features"] = by_feature
leader = max(by_feature, key=lambda name: by_feature[name][0])
texts = {"leader": leader, "leader-score": tables.spelled(100 * by_feature[leader])}
texts |= {"stride": network.receptive_fields[conv].stride, "strict": f"{0.025 * size:.1f}"}
texts |= {f"order-{by}": tables.spelled(100 * orders[names[0]][by]) for by in ("deformation", "oracle")}
for name, value in texts.items():
    glue(name, value, display=False)

# %% [markdown]
# ```{glue:figure} features
# :name: figure-features
# :alt: Mean PCK of alignment by conv1 to conv5 and by SIFT of radius 10 to 160, with intervals, each beside that of nearest neighbour transfer. {glue:text}`leader` is the highest with {glue:text}`leader-score` %.
#
# *Alignment by every layer and every radius of SIFT* (tier: {glue:text}`tier`; {glue:text}`twice` instances each of {glue:text}`some`; alpha = {glue:text}`alpha`), all at the same places, with 95 % bootstrap intervals over instances.
# ```
#
# ## Every pixel
#
# Keypoints sample an alignment where people found a place worth naming. On figurines the true match of every pixel is
# known, so {numref}`table-dense` asks for all pixels that an instance and each of its {glue:text}`top` nearest
# neighbours both show, and for the annotated keypoints of the same pairs (one neighbour at a time, no median).

# %% tags=["hide-input"]
how = dict(common, pairs=top, limit=studied)
known = data.name == "figurines"
results["dense"] = studies.every_pixel(*world, methods, claims.ALPHAS, **how) if known else {}
glue("dense", Markdown(report.dense(results["dense"], claims.ALPHAS)), display=False)

# %% [markdown]
# :::{table} *Dense alignment* (tier: {glue:text}`tier`; {glue:text}`studied` instances a category; only figurines have the truth, elsewhere the table is empty): distance from the true place, in pixels of the square, as the median of each instance, and the share in percent that is closer than alpha times the side; means with 95 % bootstrap intervals over instances.
# :name: table-dense
#
# ```{glue:md} dense
# :format: myst
# ```
# :::
#
# A flow can bring more places close than copying does and still not lower the median: a pair that cannot be aligned
# (another pose, another side) is torn further apart. That is why the paper aligns many neighbours and believes the least
# deformed; here all are the nearest, whatever became of them.
#
# ## With these parameters

# %% tags=["hide-input"]
used = dict(common, layer=layer, radius=radius, alpha=alpha, beta=beta, top=top, studied=studied)
module, seconds = "corrlib.experiments.alignment.studies", time.perf_counter() - started
origin = experiments.provenance(data, network, parameters=used, module=module, seconds=seconds)
cache.write_result(tables.results() / f"alignment-{data.name}.json", results, provenance=origin)
reported = names[layer == "sift"]
glue("reported", reported, display=False)
spelled = map(report.percent, results["means"][reported])
by_alpha = dict(zip(map("{:g}".format, alphas), spelled, strict=True))
for a, score in by_alpha.items():
    glue(f"score-{a}", score, display=False)
glue("score", by_alpha[f"{alpha:g}"], display=False)

# %% [markdown]
# {glue:text}`reported` at alpha = {glue:text}`alpha` (tier: {glue:text}`tier`): mean PCK {glue:text}`score`.
# {doc}`sweeps`: `corrlib sweep alignment -p layer=conv3,conv4 -p alpha=0.05,0.1 --out runs/align`.
# Another `alpha` reuses every flow of this run.
#
# ## Exercises
#
# One category is enough to see most things, and fast. Commands are run in the project's folder.
#
# :::{admonition} 1. The paper's stiffness
# :class: tip
# Align cats with the $\beta$ that the paper names:
#
# ```bash
# corrlib run alignment -p category=cat -p beta=3e-3 -o stiff.ipynb
# ```
#
# Look at the figure of displacement fields first, then at the three means of Table 2.
# :::
#
# :::{admonition} What to look for
# :class: dropdown
# In this chapter the optimum at that $\beta$ moves nothing for {glue:text}`still-trws`. Arrows without length are what it
# looks like, and flow and NN transfer come close to each other; what difference is left is the order of the neighbours. If you
# see long arrows somewhere, find out what the two pictures have in common there.
# :::
#
# :::{admonition} 2. Whom to believe
# :class: tip
# Let the single least deformed neighbour decide, then fifteen:
#
# ```bash
# corrlib sweep alignment -p category=cat -p top=1,5,15 --out runs/top
# ```
#
# The paper takes five. Is one as good? Why is it a median, not a mean?
# :::
#
# :::{admonition} What to look for
# :class: dropdown
# A neighbour whose alignment failed puts a keypoint anywhere. A mean follows it; a median of five stands two of them. More
# neighbours make the median calmer, and bring in worse ones. How much a better choice could still give says the oracle of
# {numref}`table-orders`: {glue:text}`order-oracle` in place of {glue:text}`order-deformation`, for {glue:text}`conv` over all categories.
# :::
#
# :::{admonition} 3. Other layers
# :class: tip
# Which layer aligns best, at a loose and at a strict tolerance?
#
# ```bash
# corrlib sweep alignment -p category=cat -p layer=conv1,conv3,conv5 -p alpha=0.025,0.1 --out runs/layers
# ```
#
# Open `runs/layers/results.html`. Does the order of the layers change with $\alpha$?
# :::
#
# :::{admonition} What to look for
# :class: dropdown
# In {numref}`figure-features`, over several categories, {glue:text}`leader` leads with {glue:text}`leader-score`. A shallow layer knows edges and colours:
# good at strict tolerances if it finds the right place at all. A deep one knows parts. With one category of few instances
# intervals are wide: compare them before you believe an order.
# :::
#
# :::{admonition} 4. To think about
# :class: tip
# Units of {glue:text}`conv` are {glue:text}`stride` pixels apart, and matches lead from unit to unit. At $\alpha = 0.025$ a keypoint of a square object has to land within
# {glue:text}`strict` pixels of the square of {glue:text}`size`. How can any keypoint be correct, other than by luck?
# :::
#
# :::{admonition} An answer
# :class: dropdown
# Displacements between neighbouring units differ, and splines carry them to the pixels between: a match that is right to half a
# stride at four units is averaged to something finer in their midst. The median of five neighbours, whose errors differ, does the
# same again. And keypoints that are copied without any flow are sometimes close, because boxes are alike.
# :::
