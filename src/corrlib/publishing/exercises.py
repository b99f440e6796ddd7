"""What the exercises of the chapters measure, most of them on one category, for their answers."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from corrlib import metrics
from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.experiments import alignment, classification, prediction, visualization
from corrlib.experiments.prediction.evaluation import predict
from corrlib.publishing.format import formatted, words

#: Numbers of neighbours of which the median is taken in an exercise on alignment.
TOPS = (1, 5, 15)


def detail(
    data: VOC, network: Network, settings: visualization.Settings, layer: str, **changed: int
) -> Mapping[str, np.ndarray]:
    """Detail score of images that are rebuilt with some settings changed, as of `visualization.scores`."""
    chosen = replace(settings, **changed)
    rebuilt = visualization.reconstruct(data, network, chosen, layer)
    own = [rebuilt[image_id] for image_id in visualization.scored(data, chosen)]
    return visualization.scores(own, chosen.k)["detail"]


def stiff(data: VOC, network: Network, settings: alignment.Settings, category: str) -> str:
    """PCK of a category's flows at the paper's beta."""
    betas = dict.fromkeys(settings.features, alignment.PAPER_BETA)
    errors = alignment.errors(data, network, replace(settings, categories=[category]), betas)
    return words([f"{_pck(each, settings.alpha)} % for {method}" for method, each in errors.items()])


def by_neighbors(
    data: VOC, network: Network, settings: alignment.Settings, betas: Mapping[str, float], flow: str
) -> str:
    """PCK of a flow by the number of neighbours whose median it predicts."""
    phrases = []
    for top in TOPS:
        errors = alignment.flow_errors(
            data, network, replace(settings, top=top), feature=settings.features[flow], beta=betas[flow]
        )
        phrases.append(f"{_pck(errors, settings.alpha)} % with {top}")
    return words(phrases)


def framed(data: VOC, network: Network, settings: classification.Settings, category: str) -> str:
    """Accuracy of each feature if the box is warped to a square, and if the whole image is."""
    means = {}
    for frame in ("box", "image"):
        chosen = replace(settings, categories=[category], frame=frame)
        predicted = classification.classify(data, network, chosen, chosen.features)
        means[frame] = {f: classification.mean_accuracy(predicted[f], chosen)[0] for f in chosen.features}
    return words([f"{f} from {value:.1f} to {means['image'][f]:.1f}" for f, value in means["box"].items()])


def context(
    data: VOC, network: Network, settings: prediction.Settings, etas: Mapping[str, float], category: str
) -> str:
    """PCK of detectors of one unit, of those of more, and the difference, without and with the prior."""
    wide = replace(settings, categories=[category])
    errors = [prediction.errors(data, network, chosen, etas) for chosen in (replace(wide, context=1), wide)]
    phrases = []
    for method in (settings.layer, f"{settings.layer}+prior"):
        one, more = (each[method] for each in errors)
        difference = 100 * metrics.estimate(more, [settings.alpha], minus=one)[0]
        values = f"{_pck(one, settings.alpha)} and {_pck(more, settings.alpha)} %"
        phrases.append(f"{values} for {method} (difference {formatted(difference, '+.1f')})")
    return words(phrases)


def weights(data: VOC, network: Network, settings: prediction.Settings, category: str) -> str:
    """PCK of a category's validation objects by the weight of the prior."""
    chosen, etas = replace(settings, categories=[category]), [0.0, 0.1, 0.5, 0.9]
    _, by_eta = predict(data, network, chosen, settings.layer, etas)
    pck = [_pck(errors, settings.alpha) for errors in by_eta]
    return words([f"{value} % (eta = {eta:g})" for value, eta in zip(pck, etas, strict=True)])


def widths(data: VOC, network: Network, settings: prediction.Settings, category: str) -> str:
    """PCK with priors of half, once and twice the standard deviation, each with its own best eta."""
    method, phrases = f"{settings.layer}+prior, eta chosen", []
    for sigma in settings.sigma * np.array([0.5, 1, 2]):
        chosen = replace(settings, categories=[category], sigma=float(sigma))
        etas, _ = prediction.validate(data, network, chosen)
        errors = prediction.errors(data, network, chosen, etas)[method]
        value = _pck(errors, settings.alpha)
        phrases.append(f"{value} % with {sigma:g} pixels (eta = {etas[settings.layer]:g})")
    return words(phrases)


def _pck(errors: list[np.ndarray], alpha: float) -> str:
    return formatted(100 * metrics.estimate(errors, [alpha])[0])
