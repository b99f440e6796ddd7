"""The expensive results of the four chapters, as tasks for a cluster, of one category or layer each.

A task calls its experiment as the chapter does, and leaves the entries of the cache that the chapter reads.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from corrlib.convnet import LINEAR, Network
from corrlib.data import VOC, crops
from corrlib.experiments import alignment, classification, prediction, visualization
from corrlib.experiments.alignment import flows, studies
from corrlib.experiments.classification import features, responses, training
from corrlib.experiments.prediction.readings import READINGS
from corrlib.experiments.prediction.training import scores, train
from corrlib.experiments.visualization import averages, centers, reconstruction, units
from corrlib.publishing import exercises, explorer
from corrlib.publishing.reproduce import Plan


@dataclass(frozen=True, eq=False)
class Task:
    """A call whose results are kept in the cache.

    Attributes
    ----------
    chapter, stage, of : What is computed; `of` is a category, or a layer.
    call, arguments : ``call(data, network, *arguments, **given)`` computes it.
    size : Its share of the hours of its stage, in any unit.
    after : Tasks that must be done before.
    given : Argument -> the task, also to be done before, that returns it.
    """

    chapter: str
    stage: str
    of: str
    call: Callable[..., Any]
    arguments: Sequence[Any]
    size: float = 1
    after: Iterable["Task"] = ()
    given: Mapping[str, "Task"] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is, in words."""
        return f"{self.chapter}, {self.stage} of {self.of}"

    @property
    def needed(self) -> list["Task"]:
        """All tasks that must be done before."""
        return [*self.after, *self.given.values()]


def tasks(plan: Plan) -> list[Task]:
    """The tasks of all chapters, each after those that it needs."""
    chapters = (_visualization, _alignment, _classification, _prediction)
    return [each for chapter in chapters for each in chapter(plan)]


def hours(tasks: Sequence[Task], rows: Iterable[Mapping[str, Any]]) -> dict[Task, float]:
    """Expected hours of each task, of what `reproduce.hours` returns.

    The hours of its stage, or else of the chapter, are divided in proportion to the sizes of their tasks.
    """
    known = {(row["chapter"], row["stage"]): row["hours"] for row in rows}
    stage = {each: (each.chapter, each.stage) for each in tasks}
    stage = {each: row if row in known else (each.chapter, "the chapter") for each, row in stage.items()}
    total: Counter[tuple[str, str]] = Counter()
    for each, row in stage.items():
        total[row] += each.size
    return {each: known[row] * each.size / total[row] for each, row in stage.items()}


def longest_chains(hours: Mapping[Task, float]) -> dict[Task, float]:
    """Hours of the longest chain of tasks that begins with each: no number of workers is done sooner."""
    result = dict(hours)
    for each in reversed(hours):
        for needed in each.needed:
            result[needed] = max(result[needed], hours[needed] + result[each])
    return result


def _visualization(plan: Plan) -> Iterable[Task]:
    data, settings = plan.data, plan.settings["visualization"]
    task, database = partial(Task, "visualization"), visualization.database(data, settings)
    rebuilt = reconstruction.rebuilt_images(data, settings)
    seeds = units.sample(data, "val", averages.SEEDS, seed=settings.seed + 1)
    described = []
    for ids in (database, rebuilt, centers.compared(data, settings), seeds, rebuilt[:1]):
        for part in (ids[first : first + units.SHARD] for first in range(0, len(ids), units.SHARD)):
            arguments = visualization.LAYERS[0], part
            stage = "features of the database", f"{len(part)} images from {part[0]}"
            described.append(task(*stage, units.units, arguments, len(part)))
    yield from described
    rebuild = [
        task("neighbours", layer, visualization.reconstruct, (settings, layer), len(rebuilt), after=described)
        for layer in settings.layers
    ]
    yield from rebuild
    for stage in (visualization.agreement, visualization.receptive_field_averages):
        for layer in visualization.LAYERS:
            yield task(stage.__name__, layer, stage, (settings, layer), after=described)
    for name, value in {"k": 25, "database_images": 75}.items():
        detail = partial(exercises.detail, layer=settings.layer, **{name: value})
        yield task("exercise", name, detail, (settings,), after=described)
    yield task("explorer", rebuilt[0], explorer.nearest, (settings, rebuilt[0]), after=rebuild)


def _alignment(plan: Plan) -> Iterable[Task]:
    settings, task = plan.settings["alignment"], partial(Task, "alignment")
    each = {category: replace(settings, categories=(category,)) for category in settings.categories}
    size = {category: _objects(plan, category) for category in each}
    prepared = {
        category: task("neighbours and features", category, alignment.prepare, (own,), size[category])
        for category, own in each.items()
    }
    yield from prepared.values()
    tried = [
        task("choice of beta", category, _try_betas, (own,), after=[prepared[category]])
        for category, own in each.items()
    ]
    yield from tried
    chosen = settings, alignment.validate
    yield (betas := task("choice of beta", "all categories", _chosen, chosen, after=tried))
    for category, own in each.items():
        for method in settings.features:
            of = f"{category}, {method}"
            yield task("flows", of, _flows, (own, method), size[category], given={"betas": betas})
    for category in alignment.few(settings).categories:
        extra = [
            task("features", f"{category}, {feature}", _features, (each[category], feature), size[category])
            for feature in dict.fromkeys((*studies.LAYERS, *studies.RADII))
            if feature not in settings.features.values()
        ]
        yield from extra
        for study in (alignment.solvers, alignment.by_feature):
            how = dict(after=[prepared[category], *extra], given={"betas": betas})
            yield task(f"study {study.__name__}", category, study, (each[category],), 40, **how)
    others = {"figurines": alignment.every_pixel, "voc2011": alignment.readings}
    if call := others.get(plan.data.name):
        for category, own in each.items():
            how = dict(after=[prepared[category]], given={"betas": betas})
            yield task(call.__name__, category, call, (own,), size[category], **how)
    one = plan.settings["classification"].shown
    yield task("exercise", one, exercises.stiff, (settings, one), size[one], [prepared[one]])


def _try_betas(data: VOC, network: Network, settings: alignment.Settings) -> None:
    for beta in map(float, settings.betas):
        for feature in settings.features.values():
            inputs = dict(feature=feature, beta=beta, split="train", limit=settings.validated)
            alignment.flow_errors(data, network, settings, **inputs)


def _chosen(data: VOC, network: Network, settings: Any, validate: Callable[..., tuple]) -> dict[str, float]:
    return validate(data, network, settings)[0]


def _flows(data: VOC, network: Network, settings: alignment.Settings, method: str, betas: Mapping) -> None:
    inputs = dict(feature=settings.features[method], beta=betas[method])
    for order in alignment.ORDERS:
        alignment.flow_errors(data, network, settings, **inputs, order=order)
    for top in exercises.TOPS:
        alignment.flow_errors(data, network, replace(settings, top=top), **inputs)


def _features(data: VOC, network: Network, settings: alignment.Settings, feature: Any) -> None:
    for split in ("train", "val"):
        flows.features(data, network, *settings.categories, split, feature=feature, size=settings.size)


def _classification(plan: Plan) -> Iterable[Task]:
    data, network, settings = plan.data, plan.network, plan.settings["classification"]
    task, each = partial(Task, "classification"), settings.categories
    size = {category: _objects(plan, category) for category in each}
    described = [
        task("features", f"{category}, {split}", _columns, (settings, category, split), size[category])
        for category in each
        for split in ("train", "val")
    ]
    yield from described
    fields = network.receptive_fields
    every = [name for name in network.layers if name in fields and fields[name].size <= settings.size]
    convs = [name for name in settings.layers if name.startswith("conv")]
    kinds = [(settings, list(dict.fromkeys([*settings.features, *settings.smoothed, *every])))]
    kinds += [(replace(settings, rectified=value), convs) for value in (False, True)]
    scaled = [
        task("scales", f"{feature}", _scale, (own, feature), after=described)
        for own, some in kinds
        for feature in some
        if own is settings or own != settings  # one of the last two is the first again
    ]
    yield from scaled
    trained = {
        category: task("classifiers", category, _classifiers, (category, kinds), size[category], after=scaled)
        for category in each
    }
    yield from trained.values()
    Cs = [(category, [settings.C]) for category in settings.validated_categories]
    validated = [
        task("validation", f"{c}, C = {C}", _validate, (settings, c, C), size[c] * len(C), after=scaled)
        for c, C in (*Cs, (settings.shown, list(settings.Cs)))
    ]
    yield from validated
    yield (best := task("validation", "all categories", _best, (settings,), after=validated))
    for category in each:
        how = dict(after=[trained[category]], given={"best": best})
        yield task("classifiers", f"{category}, fewer images", _sizes, (settings, category), **how)
    limits = {settings.shown: settings.localised}
    limits |= dict.fromkeys(settings.other_categories, settings.localised_others)
    for category, limit in limits.items():
        count = min(limit, len(crops.objects(data, category, "val")))
        for first in range(0, count, responses.BLOCK):
            last, arguments = min(first + responses.BLOCK, count), (settings, category, limit, first)
            how = dict(size=last - first, after=[trained[category]])
            yield task("peaks", f"{category}, {first} to {last - 1}", responses.block_peaks, arguments, **how)
    one = settings.shown
    yield task("exercise", one, exercises.framed, (settings, one), after=[trained[one]])


def _columns(
    data: VOC, network: Network, settings: classification.Settings, category: str, split: str
) -> None:
    for feature in (*settings.sift[:1], *settings.layers[:1]):  # with which the others are computed
        features.features(data, network, category, split, feature=feature, sampling=settings.sampling)


def _scale(data: VOC, network: Network, settings: classification.Settings, feature: Any) -> None:
    features.scale(data, network, feature=feature, sampling=settings.sampling)


def _classifiers(data: VOC, network: Network, category: str, kinds: Sequence[tuple]) -> None:
    features.positive(data, network, category, "val", sampling=kinds[0][0].sampling)
    for own, some in kinds:
        training.classify(data, network, replace(own, categories=(category,)), some)


def _validate(
    data: VOC, network: Network, settings: classification.Settings, category: str, Cs: Sequence[float]
) -> None:
    own = replace(settings, categories=(category,))
    training.cross_validate(data, network, own, settings.features, Cs=Cs)


def _best(data: VOC, network: Network, settings: classification.Settings) -> dict[str, Any]:
    return classification.best_features(classification.validate(data, network, settings)[0], settings)


def _sizes(
    data: VOC, network: Network, settings: classification.Settings, category: str, best: Mapping[str, Any]
) -> None:
    own = replace(settings, categories=(category,))
    for share in classification.SHARES:
        training.classify(data, network, own, [best["convnet"], best["sift"]], share=share)


def _prediction(plan: Plan) -> Iterable[Task]:
    settings, task = plan.settings["prediction"], partial(Task, "prediction")
    readings = [settings]
    if plan.data.name == "voc2011":
        readings += [replace(settings, **other) for choice in READINGS.values() for other in choice.values()]
        readings.append(replace(settings, layer=f"{settings.layer.removesuffix(LINEAR)}{LINEAR}"))
    detectors = {(own.C, feature): own for own in reversed(readings) for feature in own.features.values()}
    validated = {}
    for category in settings.categories:
        size, own, scored = _objects(plan, category), replace(settings, categories=(category,)), {}
        for (C, feature), reading in detectors.items():
            kind = "SIFT" if feature == prediction.SIFT else "conv"
            of, arguments = f"{category}, {feature}, C = {C:g}", (reading, category, feature)
            yield (detector := task(f"detectors, {kind}", of, train, arguments, size))
            how = dict(size=size, after=[detector])
            yield (responded := task(f"responses, {kind}", of, scores, arguments, **how))
            scored[C, feature] = responded
        after = [scored[settings.C, feature] for feature in settings.features.values()]
        validated[category] = task("choice of eta", category, prediction.validate, (own,), size, after)
        yield validated[category]
        yield task("finer strides", category, prediction.by_stride, (own,), after=[validated[category]])
        if len(readings) > 1:
            after = [validated[category], *scored.values()]
            yield task("readings", category, prediction.readings, (own,), size, after)
    chosen, after = (settings, prediction.validate), validated.values()
    yield (etas := task("choice of eta", "all categories", _chosen, chosen, after=after))
    given, one = {"etas": etas}, plan.settings["classification"].shown
    for category in settings.categories:
        size, own = _objects(plan, category), replace(settings, categories=(category,))
        yield task("predictions", category, prediction.errors, (own,), size, given=given)
    context = partial(exercises.context, category=one)
    yield task("exercise", f"{one}, context", context, (settings,), given=given)
    yield task("exercise", f"{one}, eta", exercises.weights, (settings, one), after=[etas])
    yield task("exercise", f"{one}, sigma", exercises.widths, (settings, one), after=[etas])


def _objects(plan: Plan, category: str) -> int:
    return sum(len(crops.objects(plan.data, category, split)) for split in ("train", "val"))
