"""Record the paper's experiments on photographs again: python ci/record.py --help"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from corrlib import convnet, metrics
from corrlib.data import VOC
from corrlib.experiments import classification, prediction
from corrlib.experiments.classification.evaluation import errors as named
from corrlib.experiments.prediction.evaluation import predict
from corrlib.publishing import book, chapters, results, scoreboard

HELP = """\
Execute the four chapters, or those that are named, on photographs and write results/voc2011-<chapter>.json,
which the book cites. The other record is results/voc2011-weights.json: some numbers of Tables 3 and 4, and
how much they change with

- a network whose convolution weights, which were rounded to multiples of 1/128, have a second, independent
  error of the same distribution; to first order, it has the same effect as the first error;
- a network that pools before it normalises, as the paper's network does.

examples, in the project's folder:
  OMP_NUM_THREADS=1 python ci/record.py --data photos --weights alexnet.npz
  OMP_NUM_THREADS=1 python ci/record.py visualization --data photos --weights alexnet.npz

Photographs and weights must be the same as before, because the records keep the description of their origin.
Commit the package first, because a record names the commit that computed it.
"""
#: With three categories, the studies can afford more objects of each than in the book.
GIVEN = {
    "alignment": {"validated": 60, "studied": 40, "read": 1000},
    "classification": {"localised": 200, "localised_others": 60},
    "prediction": {"studied": 40},
    "visualization": {"database_images": 600},
}
#: Entries of the records that the chapters do not know.
KEPT = ("photographs", "network_weights", "columns")
STEP = 1 / 128


def networks(given: convnet.Network) -> list[convnet.Network]:
    """The given network and the two others."""
    weights = {
        f"{layer}.{kind}": tensor.cpu().numpy()
        for layer in given.layers
        for kind, tensor in zip(("weight", "bias"), given.parameters(layer), strict=True)
        if tensor is not None
    }
    rng = np.random.default_rng(0)
    error = {k: STEP * rng.uniform(-0.5, 0.5, v.shape) for k, v in weights.items() if k.endswith("weight")}
    twice = {name: value + error.get(name, 0) for name, value in weights.items()}
    others = (("alexnet", twice), ("caffenet", weights))
    return [given, *(convnet.AlexNet(name, each, given.preprocessing) for name, each in others)]


def measure(data: VOC, network: convnet.Network) -> dict[str, tuple[list[np.ndarray], float]]:
    """Name of a number -> the errors ``(I, M, K)`` of each category, and the alpha of its PCK."""
    settings = classification.Settings().resolve(data, network)
    predicted = classification.classify(data, network, settings, settings.layers)
    measured = {f"Table 3, {n}": ([named(p, settings) for p in each], 0.5) for n, each in predicted.items()}
    settings = prediction.Settings().resolve(data, network)
    _, (alone, prior) = predict(data, network, settings, settings.layer, [None, settings.eta])
    return measured | {"Table 4, conv5": (alone, 0.1), "Table 4, conv5+prior": (prior, 0.1)}


def changes(data: VOC, given: convnet.Network) -> list[dict[str, object]]:
    """How much the two other networks change the mean of each number, in points, with intervals."""
    recorded, twice, first = (measure(data, network) for network in networks(given))
    return [
        {"number": name, "as recorded": 100 * metrics.estimate(errors, [alpha])[0]}
        | {"rounded twice": 100 * metrics.estimate(twice[name][0], [alpha], minus=errors)[0]}
        | {"pooled first": 100 * metrics.estimate(first[name][0], [alpha], minus=errors)[0]}
        for name, (errors, alpha) in recorded.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = [*scoreboard.CHAPTERS, "weights"]
    parser.add_argument("what", nargs="*", metavar="what", help=f"by default all of {', '.join(every)}")
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--weights", required=True, metavar="FILE")
    args, records = parser.parse_args(), {}
    if unknown := {*args.what} - {*every}:
        parser.error(f"unknown record {', '.join(unknown)}: choose from {', '.join(every)}")
    wanted, (data, network) = args.what or every, (VOC(args.data), convnet.load(args.weights))
    path = Path("results", "voc2011-weights.json")
    origin = results.read(path)["provenance"]
    if (network.digest, data.digest) != (origin["weights"], origin["data"]):
        raise SystemExit(f"data and weights are {data.digest}, {network.digest}; expected those of {origin}")
    if "weights" in wanted:
        origin |= chapters.commit(Path("book", "classification.py"))
        records[path] = {"rows": changes(data, network)}, origin
    for chapter in scoreboard.CHAPTERS:
        if chapter not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            given = {book.DATA: args.data, book.WEIGHTS: args.weights} | GIVEN.get(chapter, {})
            notebook = Path(folder, "out.ipynb")
            chapters.run(Path("book", f"{chapter}.py"), notebook, given, results=Path(folder))
            new = results.read(Path(folder, f"{chapter}-voc2011.json"))
            commit = chapters.stamp(notebook).get("commit")
        path = Path("results", f"voc2011-{chapter}.json")
        old, about = results.read(path)["provenance"], new["provenance"] | {"chapter": chapter}
        about |= {key: old[key] for key in KEPT if key in old} | {"commit": commit}
        records[path] = new["values"], about
        print(chapter, flush=True)
    for path, (values, about) in records.items():  # at the end, so that all records have the same commit
        results.write(path, values, provenance=about)


if __name__ == "__main__":
    main()
