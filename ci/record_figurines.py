"""Record what a network trained on photographs makes of figurines: python ci/record_figurines.py --help"""

import argparse
from pathlib import Path

import numpy as np

from corrlib import convnet, metrics
from corrlib.data import VOC, open_dataset
from corrlib.experiments import alignment
from corrlib.experiments.alignment.evaluation import flow_errors
from corrlib.experiments.visualization import LAYERS
from corrlib.publishing import chapters, networks, results

HELP = """\
Write results/figurines-alexnet.json: accuracies of Table 3 and PCK of Table 2 on figurines, by features of
the figurine network and of the network of the recorded photographs, with their differences from SIFT.
They show how much of the difference is due to the figurine network, and how much to the images.

example, in the project's folder:
  python ci/record_figurines.py --weights alexnet.npz

Commit the package first, because the record names the commit that computed it."""


def naming(data: VOC, network: convnet.Network) -> dict[str, list[np.ndarray]]:
    """Layer -> accuracy in percent, and its difference from SIFT of radius 40, with intervals."""
    found = networks.naming(data, network, LAYERS)
    return {f"Table 3, {layer}": [found[layer]["value"], found[layer]["over SIFT"]] for layer in LAYERS}


def flows(data: VOC, network: convnet.Network) -> dict[str, list[np.ndarray]]:
    """Tolerance -> PCK of convnet flow, and its difference from SIFT flow over the same neighbours."""
    settings = alignment.few(alignment.Settings().resolve(data, network))
    betas, _ = alignment.validate(data, network, settings)
    conv, sift = (
        flow_errors(data, network, settings, feature=feature, beta=betas[method])
        for method, feature in settings.features.items()
    )
    rows = zip(settings.alphas, compared(conv, sift, settings.alphas), strict=True)
    return {f"Table 2, conv4 flow, alpha = {alpha:g}": each for alpha, each in rows}


def compared(ours: list[np.ndarray], sift: list[np.ndarray], alphas: list[float]) -> list[list[np.ndarray]]:
    """At each alpha the mean in percent and the difference from SIFT in points, with intervals."""
    means, differences = metrics.estimate(ours, alphas), metrics.estimate(ours, alphas, minus=sift)
    return [[100 * mean, 100 * difference] for mean, difference in zip(means, differences, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True, metavar="FILE")
    other, data = convnet.load(parser.parse_args().weights), open_dataset(None)
    known = results.read(Path("results", "voc2011-weights.json"))["provenance"]
    if other.digest != known["weights"]:
        raise SystemExit(f"these weights are {other.digest}, and those of the photographs {known['weights']}")
    ours, theirs = (naming(data, each) | flows(data, each) for each in (convnet.load(None), other))
    aligned = alignment.few(alignment.Settings().resolve(data, other)).categories
    values = {"rows": [{"number": name, "ours": ours[name], "other": theirs[name]} for name in ours]}
    about = {name: known[name] for name in ("weights", "network", "network_weights")}
    about |= {"dataset": data.name, "data": data.digest, "columns": "percent and points, 95 % intervals"}
    about |= chapters.commit(Path("book", "alignment.py"))
    results.write(
        Path("results", "figurines-alexnet.json"), values | {"aligned": list(aligned)}, provenance=about
    )


if __name__ == "__main__":
    main()
