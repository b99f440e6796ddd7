"""Measure what the network of the recorded photographs changes: python ci/weights.py --help"""

import argparse
import time

import numpy as np

from corrlib import convnet, metrics
from corrlib.data import VOC
from corrlib.experiments import alignment, classification, prediction
from corrlib.experiments.alignment.evaluation import flow_errors
from corrlib.experiments.classification.evaluation import errors as named
from corrlib.experiments.prediction.evaluation import predict
from corrlib.publishing import results

HELP = """\
Repeat some numbers of Tables 2 to 4 with two other networks, and write results/voc2011-weights.json:

- one whose convolution weights, which were rounded to multiples of 1/128, carry a second, independent error
  of the same distribution: to first order it changes as much as the first did;
- one that pools before it normalises, as the paper's does.

example, in the project's folder:
  OMP_NUM_THREADS=1 python ci/weights.py --data photos --weights alexnet.npz
"""
#: Objects of each category that are aligned.
ALIGNED = 100
STEP = 1 / 128


def networks(path: str) -> dict[str, convnet.Network]:
    """The network of a file, and the two others."""
    given = convnet.load(path)
    parameters = {
        f"{layer}.{kind}": tensor.cpu().numpy()
        for layer in given.layers
        for kind, tensor in zip(("weight", "bias"), given.parameters(layer), strict=True)
        if tensor is not None
    }
    rng = np.random.default_rng(0)
    rounded = {
        name: value + STEP * rng.uniform(-0.5, 0.5, value.shape) * name.endswith("weight")
        for name, value in parameters.items()
    }
    return {
        "as given": given,
        "rounded twice": convnet.Network("alexnet", rounded, given.preprocessing),
        "pooled first": convnet.Network("caffenet", parameters, given.preprocessing),
    }


def measure(data: VOC, network: convnet.Network) -> dict[str, tuple[list[np.ndarray], float]]:
    """Name of a number -> the errors ``(I, M, K)`` of each category, and the alpha of the PCK that it is."""
    settings = classification.Settings().resolve(data, network)
    predicted = classification.classify(data, network, settings, settings.layers)
    measured = {
        f"Table 3, {name}": ([named(p, settings) for p in each], 0.5) for name, each in predicted.items()
    }
    settings = alignment.Settings().resolve(data, network)
    flow = dict(feature="conv4", beta=1e-4, limit=ALIGNED)
    aligned = flow_errors(data, network, settings, **flow)
    settings = prediction.Settings().resolve(data, network)
    _, (alone, prior) = predict(data, network, settings, settings.layer, [None, settings.eta])
    measured["Table 2, conv4 flow"] = aligned, 0.1
    return measured | {"Table 4, conv5": (alone, 0.1), "Table 4, conv5+prior": (prior, 0.1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--weights", required=True, metavar="FILE")
    args, start = parser.parse_args(), time.perf_counter()
    data = VOC(args.data)
    given, *others = (measure(data, network) for network in networks(args.weights).values())
    rows = []
    for name, (errors, alpha) in given.items():
        row = {"number": name, "as recorded": 100 * metrics.estimate(errors, [alpha])[0]}
        for label, other in zip(("rounded twice", "pooled first"), others, strict=True):
            row[label] = 100 * metrics.estimate(other[name][0], [alpha], minus=errors)[0]
        rows.append(row)
    network = convnet.load(args.weights)
    settings = prediction.Settings().resolve(data, network)
    about = results.provenance(data, network, settings, seconds=time.perf_counter() - start)
    results.write("results/voc2011-weights.json", {"rows": rows}, provenance=about)


if __name__ == "__main__":
    main()
