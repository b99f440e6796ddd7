"""Record what the paper's kind of network makes of figurines: python ci/record_figurines.py --help"""

import argparse
from pathlib import Path

from corrlib import convnet, metrics
from corrlib.data import open_dataset
from corrlib.experiments import alignment, classification
from corrlib.experiments.alignment.evaluation import flow_errors
from corrlib.experiments.classification.evaluation import errors as named
from corrlib.publishing import chapters, results

HELP = """\
Write results/figurines-alexnet.json: accuracies of Table 3 and PCK of Table 2 on figurines, by features of a
network trained on photographs, beside the figurine network and SIFT. They show how much of the
difference between convnet features and SIFT is due to the figurine network, and how much to the images.

example, in the project's folder:
  python ci/record_figurines.py --weights alexnet.npz

Commit the package first, because the record names the commit that computed it."""
LAYERS = ("conv3", "conv4", "conv5")


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True, metavar="FILE")
    data, rows = open_dataset(None), []
    networks = {"figurine network": convnet.load(None)}
    networks["other network"] = other = convnet.load(parser.parse_args().weights)

    def record(number: str, measured: dict[str, list], sift: list, alpha: float) -> None:
        row = {name: 100 * metrics.estimate(errors, [alpha])[0] for name, errors in measured.items()}
        row["SIFT"] = 100 * metrics.estimate(sift, [alpha])[0]
        row["difference"] = 100 * metrics.estimate(measured["other network"], [alpha], minus=sift)[0]
        rows.append({"number": number} | row)
        print(rows[-1], flush=True)

    naming = {name: classification.Settings().resolve(data, network) for name, network in networks.items()}
    kind = next(kind for kind in naming["figurine network"].sift if kind.radius == 40)
    errors = {}
    for name, settings in naming.items():
        predicted = classification.classify(data, networks[name], settings, [*LAYERS, kind])
        errors[name] = {feature: [named(p, settings) for p in each] for feature, each in predicted.items()}
    for layer in LAYERS:
        measured = {name: each[layer] for name, each in errors.items()}
        record(f"Table 3, {layer}", measured, errors["figurine network"][kind], 0.5)
    flows, used = {}, {}
    for name, network in networks.items():
        settings = alignment.few(alignment.Settings().resolve(data, network))
        used[name], _ = alignment.validate(data, network, settings)
        for method, feature in settings.features.items():
            inputs = dict(feature=feature, beta=used[name][method])
            flows[name, method] = flow_errors(data, network, settings, **inputs)
    (conv, sift), few = used["figurine network"], settings.categories
    measured = {name: flows[name, conv] for name in networks}
    record(f"Table 2, {conv}", measured, flows["figurine network", sift], 0.1)
    values = {"rows": rows, "beta": used, "aligned": list(few)}
    about = {"dataset": "figurines", "data": data.digest, "weights": other.digest, "network": other.name}
    about |= {"network_weights": "BVLC AlexNet conv1..conv5, 8-bit", "columns": "percent, 95 % intervals"}
    path = Path("results", "figurines-alexnet.json")
    results.write(path, values, provenance=about | chapters._commit(Path("book", "classification.py")))


if __name__ == "__main__":
    main()
