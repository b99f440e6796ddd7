"""The command line: ``corrlib run``, ``corrlib book``, ``corrlib figurines``, ``corrlib train``.

Nothing heavy is imported before a command needs it, so that help and mistakes answer at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import corrlib

RUN = """\
Execute one chapter with other parameters and keep the notebook, outputs and all.

examples:
  corrlib run visualization -o out.ipynb
  corrlib run visualization -p layer=conv4 -p k=1 -o conv4.ipynb
  corrlib run visualization -p data_root=photographs -p weights=alexnet.npz -o photos.ipynb

A chapter's parameters are in its cell tagged "parameters" (book/visualization.py); a name that is not
there is refused, and so is a value of another type. Lists are written with commas: layers=conv3,conv4.
"""

BOOK = """\
Build the book of the current folder: _build/html/index.html.
Chapters whose text, parameters, code, pinned requirements and data are what they were are not executed again.

examples:
  corrlib book
  corrlib book --data photographs --weights alexnet.npz
"""

FIGURINES = """\
Render a world of figurines, on disk in the layout of VOC 2011.
Twenty categories with Berkeley's keypoints and, beside them, the true correspondence of every pixel. An image
is a function of the seed, its category and its number alone. A killed run goes on where it stopped.

examples:
  corrlib figurines --out figurines
  corrlib figurines --out figurines-7 --train 200 --val 100 --seed 7
"""

TRAIN = """\
Train the figurine network on whole-image labels.
The images are figurines rendered once for it, of seeds of their own; no keypoint and no box is seen.
A killed run goes on where it stopped. The defaults are those of the network that comes with the package.

examples:
  corrlib train --out figurines.safetensors
  corrlib train --out small.safetensors --images 200 --epochs 5
  corrlib run visualization -p weights=small.safetensors -o small.ipynb
"""


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

    sub = command("run", _run, RUN)
    sub.add_argument("chapter", help="its name (visualization) or its path (book/visualization.py)")
    sub.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="repeatable"
    )
    sub.add_argument(
        "-o", "--out", type=Path, required=True, metavar="NOTEBOOK", help="for example out.ipynb"
    )

    sub = command("book", _book, BOOK)
    sub.add_argument("--data", metavar="DIR", help="data_root of every chapter (default: the figurines)")
    sub.add_argument("--weights", metavar="FILE", help="weights of every chapter (default: our own)")

    sub = command("figurines", _figurines, FIGURINES)
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    sub.add_argument(
        "--train", type=int, default=80, metavar="N", help="training images a category (%(default)s)"
    )
    sub.add_argument(
        "--val", type=int, default=40, metavar="N", help="validation images a category (%(default)s)"
    )
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="number of the world (%(default)s)")

    sub = command("train", _train, TRAIN)
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


def _run(args: argparse.Namespace) -> None:
    from corrlib import chapters

    pairs = [text.partition("=") for text in args.parameter]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise ValueError(f"-p takes NAME=VALUE, got {name!r}")
    chapter = chapters.find(args.chapter)
    values = chapters.typed({name: value for name, _, value in pairs}, chapter)
    if "data_root" in chapters.parameters(chapter):
        from corrlib.datasets import open_dataset

        open_dataset(values.get("data_root"))  # the figurines are drawn here, where their progress is seen
    chapters.run(chapter, args.out, values)
    print(args.out)


def _book(args: argparse.Namespace) -> None:
    from corrlib import book

    print(book.build(Path(), data_root=args.data, weights=args.weights))


def _figurines(args: argparse.Namespace) -> None:
    from corrlib.datasets.figurines import write_world

    print(write_world(args.out, train=args.train, val=args.val, seed=args.seed))


def _train(args: argparse.Namespace) -> None:
    # Threads that spin while they wait for each other slow down everything else, and themselves, on a busy
    # machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from corrlib import store, training
    from corrlib.datasets.figurines import CATEGORIES, pretraining

    folder = store.cache_dir() / "pretraining"
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
