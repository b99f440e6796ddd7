"""Record the paper's experiments on photographs anew: python ci/record.py --help"""

import argparse
import tempfile
from pathlib import Path

from corrlib.publishing import book, chapters, results, scoreboard

HELP = """\
Execute the four chapters on photographs and write results/voc2011-<chapter>.json, which the book cites.

example, in the project's folder:
  OMP_NUM_THREADS=1 python ci/record.py --data photos --weights alexnet.npz

Photographs and weights must be the same as before: what the records say about their origin is kept. Commit
the package first, for a record names the commit that computed it.
"""
#: With three categories, the studies can afford more objects of each than in the book.
GIVEN = {
    "alignment": {"validated": 60, "studied": 40, "read": 1000},
    "classification": {"localised": 200, "localised_others": 200},
    "prediction": {"studied": 40},
    "visualization": {"database_images": 600},
}
#: What the records say that the chapters do not know.
KEPT = ("photographs", "network_weights", "columns")


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--weights", required=True, metavar="FILE")
    args, records = parser.parse_args(), {}
    for chapter in scoreboard.CHAPTERS:
        with tempfile.TemporaryDirectory() as folder:
            given = {book.DATA: args.data, book.WEIGHTS: args.weights} | GIVEN.get(chapter, {})
            notebook = Path(folder, "out.ipynb")
            chapters.run(Path("book", f"{chapter}.py"), notebook, given, results=Path(folder))
            new = results.read(Path(folder, f"{chapter}-voc2011.json"))
            commit = chapters.stamp(notebook).get("commit")
        path = Path("results", f"voc2011-{chapter}.json")
        old, about = results.read(path)["provenance"], new["provenance"] | {"chapter": chapter}
        if changed := [key for key in ("data", "weights") if old[key] != about[key]]:
            raise SystemExit(f"{path} is of other {' and '.join(changed)}: {old}")
        about |= {key: old[key] for key in KEPT if key in old} | {"commit": commit}
        records[path] = new["values"], about
        print(chapter, flush=True)
    for path, (values, about) in records.items():  # last, so that all are of the same commit
        results.write(path, values, provenance=about)


if __name__ == "__main__":
    main()
