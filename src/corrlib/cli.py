"""The command line: ``corrlib run``, ``corrlib book``, ``corrlib figurines``, ``corrlib train``.

Nothing heavy is imported before a command needs it, so that help and mistakes answer at once.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import corrlib

RUN = """\
Execute one chapter with other parameters and keep the notebook, outputs and all.

examples:
  corrlib run visualization -o out.ipynb
  corrlib run visualization -p layer=conv4 -p k=1 -o conv4.ipynb
  corrlib run visualization -p data_root=../shared/real -p weights=alexnet.npz -o photos.ipynb

A chapter's parameters are in its cell tagged "parameters" (book/visualization.py); a name that is not
there is refused, and so is a value of another type. Lists are written with commas: layers=conv3,conv4.
"""

BOOK = """\
Build the book of the current folder: _build/html/index.html.
Chapters whose text, parameters, code, pinned requirements and data are what they were are not executed again.

examples:
  corrlib book
  corrlib book --data ../shared/real --weights alexnet.npz
"""

FIGURINES = """\
Render a world of figurines, on disk in the layout of VOC 2011.
Twenty categories with Berkeley's keypoints and, beside them, the true correspondence of every pixel. An image
is a function of the seed, its category and its number alone.

example:
  corrlib figurines --out figurines --train 60 --val 40 --seed 7
"""

TRAIN = """\
Train the figurine network on whole-image labels.
The images are freshly rendered figurines; no keypoint and no box is seen.

example:
  corrlib train --out figurines.safetensors --seed 0
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
    return parser


def _run(args: argparse.Namespace) -> None:
    from corrlib import chapters

    pairs = [text.partition("=") for text in args.parameter]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise ValueError(f"-p takes NAME=VALUE, got {name!r}")
    chapters.run(chapters.find(args.chapter), args.out, {name: value for name, _, value in pairs})
    print(args.out)


def _book(args: argparse.Namespace) -> None:
    from corrlib import book

    print(book.build(Path(), data_root=args.data, weights=args.weights))


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
