"""What the paper claims, section by section, in its own words, and where each claim is put to the test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from corrlib.publishing.scoreboard import leads
from corrlib.publishing.scoreboard.leads import Lead, Results

#: Table, name and column of a published number.
Key = tuple[int, str, str]

BESIDE = "(not in the paper)"


@dataclass(frozen=True)
class Stated:
    """A claim of the paper, or one beside it.

    Attributes
    ----------
    section
        Of the paper.
    text
        The claim.
    quote
        The paper's words.
    place
        Chapter, and the label of its figure or table that shows it; or two empty texts.
    leads
        What by how much is ahead, found in the results of a tier; nothing where they do not say. Without it
        nothing here measures the claim.
    why
        Why nothing does.
    published
        The same by the paper's tables: label, and the numbers whose difference it is.
    ties
        Whether the claim is only that something is no worse.
    """

    section: int
    text: str
    quote: str
    place: tuple[str, str]
    leads: Callable[[Results], list[Lead]] | None = None
    why: str = ""
    published: Sequence[tuple[str, Key, Key]] = ()
    ties: bool = False


def _flow(which: str, other: str, *alphas: str) -> list[tuple[str, Key, Key]]:
    columns = {f"alpha = {a}": f"mean, alpha = {a}" for a in alphas}
    return [(label, (2, which, column), (2, other, column)) for label, column in columns.items()]


def _named(one: str, other: str) -> tuple[str, Key, Key]:
    return f"{one} \u2212 {other}", (3, one, "mean"), (3, other, "mean")


def _predicted(one: str, other: str) -> list[tuple[str, Key, Key]]:
    column = "mean, alpha = 0.1"
    return [("", (4, one, column), (4, other, column))]


def _aligned(text: str, quote: str, published: Sequence = (), *, ties: bool = False) -> Stated:
    place = "alignment", "table-claims"
    return Stated(3, text, quote, place, leads.judged("alignment", text), published=published, ties=ties)


def _classified(
    text: str, quote: str, published: Sequence = (), *, ties: bool = False, there: str = "", **how: bool
) -> Stated:
    """A claim of section 4; `there` as its chapter words it, if it has other words."""
    place, found = "table-naming-claims", leads.judged("classification", there or text, **how)
    return Stated(4, text, quote, ("classification", place), found, published=published, ties=ties)


def _found(text: str, quote: str, published: Sequence = ()) -> Stated:
    place = "prediction", "table-prediction-claims"
    return Stated(5, text, quote, place, leads.judged("prediction", text), published=published)


ORDER = "we found this method to outperform ordering using the data term"
IN_TABLE_2 = "using convnet flow, SIFT flow, and simple copying from nearest neighbors"

#: All claims of the paper that could be wrong, in its order, and three that are not in it.
CLAIMS = (
    Stated(
        2,
        "neighbours tell what is where better than places drawn from the receptive field",
        "the specific resemblance of the resulting images shows that information is not spread uniformly"
        " throughout those regions",
        ("visualization", "table-scores"),
        leads.detail,
    ),
    Stated(
        2,
        "notable features are replaced in their places",
        "Notable features (e.g., the tires of the bicycle and the facial features of the cat) are replaced in"
        " their corresponding locations",
        ("visualization", "figure-rebuilt"),
        why="for the eye to judge; the row above is its measure",
    ),
    Stated(
        2,
        "the deeper the layer, the less detail is left",
        "replacement appears to become [...] less visually specific as the layer deepens",
        ("visualization", "table-scores"),
        leads.deeper,
    ),
    Stated(
        2,
        "the deeper the layer, the more semantic the replacement",
        "replacement appears to become more semantic [...] as the layer deepens",
        ("visualization", "figure-rebuilt"),
        why="for the eye to judge, and 16 pixels are too few for it here",
    ),
    Stated(
        2,
        "similar features have similar colours in the centres of their receptive fields",
        "similar features tend to respond to similar colors specifically in the centers of their receptive"
        " fields",
        ("visualization", "figure-averages"),
        why="shown, and not measured",
    ),
    _aligned(
        "conv4 flow is at least as good as SIFT flow",
        "On average, convnet flow performs as well as SIFT flow",
        _flow("conv4 flow", "SIFT flow", "0.1"),
        ties=True,
    ),
    _aligned(
        "conv4 flow is better than SIFT flow at stricter tolerances",
        "and performs a bit better for stricter tolerances",
        _flow("conv4 flow", "SIFT flow", "0.05", "0.025"),
    ),
    _aligned(
        "conv4 flow is better than NN transfer",
        IN_TABLE_2,
        _flow("conv4 flow", "NN transfer", "0.1", "0.05", "0.025"),
    ),
    _aligned(
        "SIFT flow is better than NN transfer",
        IN_TABLE_2,
        _flow("SIFT flow", "NN transfer", "0.1", "0.05", "0.025"),
    ),
    _aligned("conv4 flow is better with neighbours in order of deformation than of the data term", ORDER),
    _aligned("SIFT flow is better with neighbours in order of deformation than of the data term", ORDER),
    Stated(
        3,
        "beta = 0.003 is as good as any other that was tried on train",
        "From validation experiments, we set \u03b2 = 3 \u00b7 10\u207b\u00b3 for both conv4 and SIFT"
        " features",
        ("alignment", "figure-beta"),
        leads.chosen("alignment", "betas", 3e-3),
        ties=True,
    ),
    Stated(
        3,
        "conv4 and SIFT have a similar scale",
        "both conv4 and SIFT features (which have a similar scale)",
        ("alignment", "figure-beta"),
        why="features of each kind are scaled to a norm of 1 here, so that one beta means the same for both",
    ),
    Stated(
        3,
        "there are objects that convnet features align better, and objects that SIFT does",
        "The cat shows a case where convnet features perform better, while the bicycle shows a case where"
        " SIFT features perform better",
        ("alignment", "figure-aligned"),
        why="of two images, which are not those shown here",
    ),
    _classified(
        "convnet features are at least as good as SIFT",
        "features from convnet layers consistently perform at least as well as and often better than SIFT",
        [_named("conv4", "SIFT 40")],
        ties=True,
    ),
    _classified(
        f"convnet features are at least as good as SIFT with less smoothing {BESIDE}",
        "",
        ties=True,
        there=f"they are at least as good as SIFT with less smoothing {BESIDE}",
    ),
    _classified(
        "conv4 and conv5 are at least as good as the best other layer",
        "with the highest performance coming from layers conv4 and conv5",
        [_named("conv4", "conv3"), _named("conv5", "conv3")],
        ties=True,
    ),
    _classified(
        "convolution layers are better than the pooling and normalisation layers after them",
        "in general, we found pooling and normalization layers to have lower performance",
    ),
    Stated(
        4,
        "C = 1e-6 is as good as any other that was tried on train",
        "We set the SVM parameter C = 10\u207b\u2076 for all experiments based on five-fold cross validation",
        ("classification", "figure-validation"),
        leads.cost,
        ties=True,
    ),
    _classified(
        "conv3 to conv5 peak within half their stride more often than by chance",
        "in many cases the convnet ones seem to be capable of localization finer than their strides, not just"
        " their receptive field sizes",
    ),
    _classified(
        "SIFT of no radius peaks near the place more often than by chance",
        "the SIFT classifiers do not seem to be sensitive to the precise locations of the keypoints",
        ties=True,
        there="so does SIFT, of every radius (the paper finds it not sensitive to the place)",
        negative=True,
    ),
    Stated(
        4,
        "a network that is trained for the task does better",
        "the same net could be expected to achieve even higher performance if trained for this task",
        ("classification", "table-naming"),
        why="no network is trained for it, neither here nor in the paper",
    ),
    _found(
        "conv5 is better than SIFT",
        "local part detectors trained on the conv5 feature outperform SIFT by a large margin",
        _predicted("conv5", "SIFT"),
    ),
    _found(
        "conv5+prior is better than conv5",
        "the prior information is helpful in both cases",
        _predicted("conv5+prior", "conv5"),
    ),
    _found(
        "SIFT+prior is better than SIFT",
        "the prior information is helpful in both cases",
        _predicted("SIFT+prior", "SIFT"),
    ),
    _found(
        "conv5+prior is better than SIFT+prior",
        "As the figure shows, conv5 outperforms SIFT",
        _predicted("conv5+prior", "SIFT+prior"),
    ),
    _found(f"conv5+prior is better than the prior alone {BESIDE}", ""),
    _found(f"SIFT+prior is better than the prior alone {BESIDE}", ""),
    Stated(
        5,
        "eta = 0.1 is as good as any other that was tried on train",
        "we set \u03b7 = 0.1 by cross validation",
        ("prediction", "figure-eta"),
        leads.chosen("prediction", "etas", 0.1),
        ties=True,
    ),
    Stated(
        5,
        "a finer stride makes predictions more precise",
        "A final regression or finer stride could mitigate this issue",
        ("prediction", "table-gained"),
        leads.finer,
    ),
    Stated(
        6,
        "convnet features are at least as useful as conventional ones in all three tasks",
        "we have found in all cases that convnet features are at least as useful (and sometimes considerably"
        " more useful) than conventional ones",
        ("", ""),
        leads.everywhere,
        published=[
            ("alignment", *_flow("conv4 flow", "SIFT flow", "0.1")[0][1:]),
            ("classification", *_named("conv4", "SIFT 40")[1:]),
            ("prediction", *_predicted("conv5", "SIFT")[0][1:]),
        ],
        ties=True,
    ),
)
