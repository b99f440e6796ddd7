"""Record the paper's experiments with other networks on photographs: python ci/record_networks.py --help"""

import argparse
from pathlib import Path

from corrlib import convnet
from corrlib.convnet.module import NAMES
from corrlib.data import VOC
from corrlib.experiments.visualization import LAYERS
from corrlib.publishing import chapters, networks, results

HELP = """\
Write results/voc2011-networks.json, which the chapter *Ten years later* cites: the detail score, PCK of
alignment, accuracy of naming and PCK of prediction by the layers of the paper's network and of another one.
Neighbours are found by the paper's network in both cases. Each number is kept as soon as it is measured, in
results/voc2011-networks.part.json, and is not measured again.

example, in the project's folder:
  OMP_NUM_THREADS=1 python ci/record_networks.py --data photos --weights alexnet.npz \\
      --other timm:tf_efficientnet_lite0@lite0.safetensors

Commit the package first, because the record names the commit that computed it."""
#: The grids of earlier layers are so fine that their detectors would take hours.
PREDICTED = NAMES[2:]
#: Objects per category that are aligned, and on which beta is chosen; images that are searched.
ALIGNED, VALIDATED, IMAGES = 60, 8, 600


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--weights", required=True, metavar="FILE")
    parser.add_argument("--other", required=True, metavar="SPECIFICATION", help="timm:NAME@FILE")
    args = parser.parse_args()
    data, first, other = VOC(args.data), convnet.load(args.weights), convnet.load(args.other)
    known = results.read(Path("results", "voc2011-weights.json"))["provenance"]
    if (first.digest, data.digest) != (known["weights"], known["data"]):
        raise SystemExit(f"data and weights are {data.digest}, {first.digest}; expected those of {known}")
    path, values = Path("results", "voc2011-networks.json"), {}
    part = path.with_suffix(".part.json")
    about = {name: known[name] for name in ("dataset", "data", "weights", "network", "photographs")}
    about |= {"other": other.name, "other_weights": other.digest, "layers": dict(other.stands_for)}
    about |= {"columns": "percent, and points over SIFT; detail: difference of correlations; 95 % intervals"}
    about |= {"aligned": ALIGNED, "validated": VALIDATED} | chapters.commit(Path("book", "alignment.py"))
    if part.is_file() and (old := results.read(part))["provenance"] == about:
        values = old["values"]
    experiments = {
        "naming": lambda net, retrieving: networks.naming(data, net, NAMES),
        "aligning": lambda net, retrieving: networks.aligning(
            data, retrieving, NAMES, limit=ALIGNED, validated=VALIDATED
        ),
        "detail": lambda net, retrieving: networks.detail(data, net, LAYERS, images=IMAGES),
        "predicting": lambda net, retrieving: networks.predicting(data, retrieving, PREDICTED),
    }
    for experiment, measure in experiments.items():
        for net in (first, other):
            if experiment not in values.get(net.name, {}):
                found = measure(net, net if net is first else net.retrieving_by(first))
                values.setdefault(net.name, {})[experiment] = found
                fields = {
                    name: [net.field(name).size, net.field(name).stride, net.channels(name)] for name in NAMES
                }
                values[net.name]["fields"] = fields
                results.write(part, values, provenance=about)
                print(experiment, net.name, flush=True)
    results.write(path, values, provenance=about)
    part.unlink()


if __name__ == "__main__":
    main()
