"""The command line, ``corrlib``: run, sweep, collect, book, download, reproduce, figurines, train.

Nothing heavy is imported before a command needs it, so that help and mistakes answer at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import corrlib
from corrlib.publishing import usage

# As in `corrlib.data.download.SOURCES`.
DOWNLOADS = ("voc2011", "keypoints", "caffenet", "alexnet", "torchvision")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="corrlib", description=corrlib.__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"corrlib {corrlib.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name, call, text):
        sub = commands.add_parser(
            name,
            help=text.partition(".\n")[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(call=call)
        return sub

    sub = command("run", _run, usage.RUN)
    sub.add_argument("chapter", help="its name (visualization) or its path (book/visualization.py)")
    sub.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="repeatable"
    )
    sub.add_argument(
        "-o", "--out", type=Path, required=True, metavar="NOTEBOOK", help="for example out.ipynb"
    )

    sub = command("sweep", _sweep, usage.SWEEP)
    sub.add_argument("chapter", help="its name (alignment) or its path (book/alignment.py)")
    sub.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUES", help="repeatable"
    )
    sub.add_argument("--grid", type=Path, metavar="FILE", help="parameters in YAML; -p goes before it")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="for example runs/align")
    sub.add_argument("--workers", type=_count, metavar="N", help="processes (default: one a core)")
    sub.add_argument("--scheduler", metavar="ADDRESS", help="of a dask cluster to use instead")
    sub.add_argument("--dry-run", action="store_true", help="list the points and what is done, and stop")

    sub = command("collect", _collect, usage.COLLECT)
    sub.add_argument("folder", type=Path, metavar="DIR", help="where the notebooks are")

    sub = command("book", _book, usage.BOOK)
    sub.add_argument("--data", metavar="DIR", help="data_root of every chapter (default: the figurines)")
    sub.add_argument("--weights", metavar="FILE", help="weights of every chapter (default: our own)")
    sub.add_argument("--pdf", action="store_true", help="also print it: _build/corrlib.pdf (needs Chromium)")

    sub = command("download", _download, usage.DOWNLOAD)
    sub.add_argument("what", nargs="+", choices=DOWNLOADS, metavar="what", help="one or more of these names")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="for example data")

    sub = command("reproduce", _reproduce, usage.REPRODUCE)
    sub.add_argument("--data", required=True, metavar="DIR", help="as corrlib download makes it")
    sub.add_argument("--weights", required=True, metavar="FILE", help="of the network")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="gets notebooks and scoreboard")
    sub.add_argument(
        "--patches", type=_count, default=10**6, metavar="N", help="of each layer in section 2 (%(default)s)"
    )
    for kind in ("difficult", "truncated"):
        text = f"whether objects are used that VOC calls {kind} (they are)"
        sub.add_argument(f"--{kind}", action=argparse.BooleanOptionalAction, default=True, help=text)
    sub.add_argument(
        "--device", help="of torch: cpu, cuda, cuda:1 ... (default: CORRLIB_DEVICE, or a GPU if there is one)"
    )

    sub = command("figurines", _figurines, usage.FIGURINES)
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    sub.add_argument(
        "--train", type=int, default=80, metavar="N", help="training images a category (%(default)s)"
    )
    sub.add_argument(
        "--val", type=int, default=40, metavar="N", help="validation images a category (%(default)s)"
    )
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="number of the world (%(default)s)")

    sub = command("train", _train, usage.TRAIN)
    sub.add_argument("--out", type=_safetensors, required=True, metavar="FILE", help="a .safetensors file")
    sub.add_argument(
        "--images", type=_count, default=3000, metavar="N", help="images a category (%(default)s)"
    )
    sub.add_argument(
        "--held-out", type=_count, default=60, metavar="N", help="and for its accuracy (%(default)s)"
    )
    sub.add_argument(
        "--epochs", type=_count, default=7, metavar="N", help="passes over the images (%(default)s)"
    )
    sub.add_argument(
        "--seed", type=int, default=0, metavar="S", help="of weights, order and crops (%(default)s)"
    )
    return parser


def _count(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {text}")
    return value


def _safetensors(text: str) -> Path:
    if Path(text).suffix != ".safetensors":
        raise argparse.ArgumentTypeError(f"expected a name that ends in .safetensors, got {text}")
    return Path(text)


def _named(parameters: Sequence[str]) -> dict[str, str]:
    """Return the parameters that are given as NAME=VALUE."""
    pairs = [text.partition("=") for text in parameters]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise ValueError(f"-p takes NAME=VALUE, got {name!r}")
    return {name: value for name, _, value in pairs}


def _run(args: argparse.Namespace) -> None:
    from corrlib.publishing import book, chapters

    chapter = chapters.find(args.chapter)
    values = chapters.typed(_named(args.parameter), chapter)
    if book.reads_data(chapter):
        from corrlib.data import open_dataset

        open_dataset(values.get(book.DATA))  # the figurines are drawn here, where their progress is seen
    chapters.run(chapter, args.out, values)
    print(args.out)


def _book(args: argparse.Namespace) -> None:
    from corrlib.publishing import book

    print(book.build(Path(), data_root=args.data, weights=args.weights, pdf=args.pdf))


def _download(args: argparse.Namespace) -> None:
    from corrlib.data.download import download

    for name in args.what:
        print(download(name, args.out), flush=True)


def _reproduce(args: argparse.Namespace) -> None:
    from corrlib.convnet import device
    from corrlib.publishing.reproduce import reproduce

    if args.device:
        os.environ[device.VARIABLE] = args.device  # the chapters' kernels read it, too
    which = dict(difficult=args.difficult, truncated=args.truncated)
    print(reproduce(Path(), args.data, args.weights, args.out, patches=args.patches, **which))


def _figurines(args: argparse.Namespace) -> None:
    from corrlib.figurines import write_world

    print(write_world(args.out, train=args.train, val=args.val, seed=args.seed))


def _sweep(args: argparse.Namespace) -> None:
    from corrlib.publishing import chapters
    from corrlib.publishing.sweep import grid, runs

    chapter = chapters.find(args.chapter)
    values = (grid.read_yaml(args.grid) if args.grid else {}) | _named(args.parameter)
    if args.dry_run:
        points, done = runs.plan(chapter, values, args.out)
        for point, executed in zip(points, done, strict=True):
            print(f"{'done   ' if executed else 'to run '} {grid.name(point)}")
        print(f"{len(points)} points, {sum(done)} done")
        return
    rows = runs.sweep(chapter, values, args.out, workers=args.workers, scheduler=args.scheduler)
    print(args.out / "results.html")
    if failed := sum(row["status"] != "done" for row in rows):
        raise runs.SweepError(f"{failed} of {len(rows)} points failed; why is in {args.out / 'results.csv'}")


def _collect(args: argparse.Namespace) -> None:
    from corrlib.publishing.sweep import runs

    runs.collect(args.folder)
    print(args.folder / "results.html")


def _train(args: argparse.Namespace) -> None:
    # Threads that spin while they wait for each other slow down everything else, and themselves, on a busy
    # machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from corrlib import cache
    from corrlib.figurines import CATEGORIES, pretraining, training

    folder = cache.cache_dir() / "pretraining"
    images = pretraining.labelled_images(folder, per_category=args.images, seed=pretraining.TRAIN_SEED)
    held_out = pretraining.labelled_images(folder, per_category=args.held_out, seed=pretraining.HELD_OUT_SEED)
    options = f"--images {args.images} --held-out {args.held_out} --epochs {args.epochs} --seed {args.seed}"
    about = training.train(
        *images,
        *held_out,
        args.out,
        categories=tuple(CATEGORIES),
        command=f"corrlib train --out {args.out.name} {options}",
        epochs=args.epochs,
        seed=args.seed,
    )
    print(f"{args.out}: {float(about['accuracy']):.1%} of the held-out images are named right")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status; what a user can mend is told without a traceback."""
    args = _parser().parse_args(argv)
    try:
        args.call(args)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"corrlib: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("corrlib: interrupted", file=sys.stderr)
        return 130
    return 0
