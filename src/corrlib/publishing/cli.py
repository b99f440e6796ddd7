"""The command line, ``corrlib``. Nothing heavy is imported before a command needs it."""

import argparse
import inspect
import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import corrlib

DOWNLOADS = ("voc2011", "keypoints", "caffenet", "alexnet", "torchvision")  # of data.download.SOURCES


class _ChapterHelp(argparse.Action):
    """Help that ends with the names of the chapters, or with the parameters of the one named before it."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: object) -> None:
        from corrlib.publishing import chapters

        if namespace.chapter:
            chapters.parameters(chapter := chapters.find(namespace.chapter))  # which checks them
            parser.epilog = "parameters:\n" + textwrap.indent(chapters.parameters_cell(chapter), "  ")
        else:
            parser.epilog = f"chapters:\n  {'  '.join(chapters.names()) or 'none in this folder'}"
        parser.print_help()
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="corrlib", description=(corrlib.__doc__ or "").partition("\n")[0])
    parser.add_argument("--version", action="version", version=f"corrlib {corrlib.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(call, *, chapter=False):
        text = inspect.getdoc(call) or ""  # python -OO has no docstrings
        sub = commands.add_parser(
            call.__name__.lstrip("_"),
            help=text.partition(".\n")[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=not chapter,
        )
        sub.set_defaults(call=call)
        add = sub.add_argument
        if chapter:
            add("-h", "--help", action=_ChapterHelp, nargs=0, help="show this, and exit")
            add("chapter", help="its name (alignment) or its path (book/alignment.py)")
            add("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="repeatable")
        return add

    folder = dict(type=Path, required=True, metavar="DIR")
    add = command(_run, chapter=True)
    add("-o", "--out", type=Path, required=True, metavar="NOTEBOOK", help="for example out.ipynb")
    add = command(_sweep, chapter=True)
    add("--out", **folder, help="for example runs/align")
    add("--grid", type=Path, metavar="FILE", help="parameters in YAML; those of -p take precedence")
    add("--workers", type=_count, metavar="N", help="processes (default: one per core)")
    add("--scheduler", metavar="ADDRESS", help="of a dask cluster to use instead")
    add("--dry-run", action="store_true", help="list the points and which are done, and stop")
    command(_collect)("folder", type=Path, metavar="DIR", help="where the notebooks are")
    add = command(_book)
    add("--data", metavar="DIR", help="data_root of every chapter (default: the figurines)")
    add("--weights", metavar="FILE", help="weights of every chapter (default: the figurine network)")
    add("--pdf", action="store_true", help="also print it: _build/corrlib.pdf (needs Chromium)")
    add = command(_download)
    add("--out", **folder, help="for example data")
    add("what", nargs="+", choices=DOWNLOADS, metavar="what", help="one or more of these names")
    add = command(_reproduce)
    add("--out", **folder, help="gets notebooks and scoreboard")
    add("--data", required=True, metavar="DIR", help="as corrlib download makes it")
    add("--weights", required=True, metavar="FILE", help="of the network")
    add("--patches", type=_count, default=10**6, metavar="N", help="per layer in section 2 (%(default)s)")
    for kind in ("difficult", "truncated"):
        text = f"whether to use objects that VOC calls {kind} (default: yes)"
        add(f"--{kind}", action=argparse.BooleanOptionalAction, default=True, help=text)
    add("--device", help="of torch, such as cuda:1 (default: CORRLIB_DEVICE, or a GPU if there is one)")
    add = command(_figurines)
    add("--out", **folder, help="a new folder")
    text = "images per category (%(default)s)"
    add("--train", type=int, default=80, metavar="N", help=f"training {text}")
    add("--val", type=int, default=40, metavar="N", help=f"validation {text}")
    add("--seed", type=int, default=0, metavar="S", help="of all that is random (%(default)s)")
    add = command(_train)
    add("--out", type=_safetensors, required=True, metavar="FILE", help="a .safetensors file")
    add("--images", type=_count, default=3000, metavar="N", help=text)
    add("--held-out", type=_count, default=60, metavar="N", help=f"to measure the accuracy: {text}")
    add("--epochs", type=_count, default=7, metavar="N", help="passes over the images (%(default)s)")
    add("--seed", type=int, default=0, metavar="S", help="of weights, order and crops (%(default)s)")
    command(_cache)("--prune", action="store_true", help="remove what is stale")
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
    """The parameters that are given as NAME=VALUE."""
    if wrong := [text for text in parameters if text.find("=") < 1]:
        raise ValueError(f"-p takes NAME=VALUE, got {wrong[0]!r}")
    if len(named := dict(text.split("=", 1) for text in parameters)) < len(parameters):
        raise ValueError(f"-p gives a parameter twice: {', '.join(parameters)}")
    return named


def _run(args: argparse.Namespace) -> None:
    """Execute one chapter with other parameters and keep the notebook, with its figures and tables.
    `corrlib run alignment --help` lists the parameters of a chapter. Lists are written with
    commas; true, false and none as words.

    examples:
      corrlib run visualization -p layer=conv4 -p k=1 -o conv4.ipynb
      corrlib run visualization -p data_root=photographs -p weights=alexnet.npz -o photos.ipynb
    """
    import nbformat

    from corrlib.publishing import book, chapters

    chapter = chapters.find(args.chapter)
    values = chapters.typed(_named(args.parameter), chapter)
    if book.reads_data(chapter):
        from corrlib.data import open_dataset

        open_dataset(values.get(book.DATA))  # figurines are drawn here, where a terminal shows the progress
    chapters.run(chapter, args.out, values)
    notebook = nbformat.read(args.out, as_version=4)
    took = f"{args.out}: executed in {notebook.metadata.papermill.duration:.0f} s"
    print(f"{took}\n{chapters.result(notebook)}".rstrip())


def _sweep(args: argparse.Namespace) -> None:
    """Execute a chapter at every point of a grid of parameters; make one table and one page of all.
    The folder gets a notebook per point and results.csv, .json, .png and .html. A sweep that was stopped
    resumes: what is done is not executed again. A point that fails stops no others.
    Values are separated by commas, those of a parameter that is a list by semicolons; first:last:step is a
    range that includes both ends. A grid in YAML has a line such as `alpha: [0.05, 0.1]` for each parameter.

    examples:
      corrlib sweep alignment -p layer=conv1,conv2,conv3 -p alpha=0.025,0.05,0.1 --out runs/align
      corrlib sweep prediction -p alpha=0.01:0.2:0.01 --out runs/predict --workers 4
      corrlib sweep classification -p "layers=conv4;conv5;conv4,conv5" --out runs/layers --dry-run
    """
    from corrlib.publishing import chapters
    from corrlib.publishing.sweep import grid, page, runs

    chapter = chapters.find(args.chapter)
    values = (grid.read_yaml(args.grid) if args.grid else {}) | _named(args.parameter)
    if args.dry_run:
        for point in (points := runs.plan(chapter, values, args.out)):
            print(f"{'done   ' if point.done else 'to run '} {point.name}")
        print(f"{len(points)} points, {sum(point.done for point in points)} done")
        return
    rows = runs.sweep(chapter, values, args.out, workers=args.workers, scheduler=args.scheduler)
    print(page.listed(rows), args.out / "results.html", sep="\n")
    if failed := sum(row["status"] != "done" for row in rows):
        raise runs.SweepError(f"{failed} of {len(rows)} points failed; why is in {args.out / 'results.csv'}")


def _collect(args: argparse.Namespace) -> None:
    """Make the table and the page of a sweep from all notebooks below a folder that papermill has executed.

    examples:
      corrlib collect runs/align
    """
    from corrlib.publishing.sweep import runs

    runs.collect(args.folder)
    print(args.folder / "results.html")


def _book(args: argparse.Namespace) -> None:
    """Build the book of the current folder: _build/html/index.html.
    Only chapters whose text, parameters, code, pinned requirements or data have changed are executed.

    examples:
      corrlib book --data photographs --weights alexnet.npz
      corrlib book --pdf
    """
    from corrlib.publishing import book

    print(book.build(Path(), data_root=args.data, weights=args.weights, pdf=args.pdf))


def _download(args: argparse.Namespace) -> None:
    """Download the paper's own data and weights, verify and unpack them.
    If an address fails, the next is tried. Files of the right name in the folder are used instead. Proxies
    are taken from the environment: HTTP_PROXY, HTTPS_PROXY, NO_PROXY.

    examples:
      corrlib download voc2011 keypoints caffenet --out data

    voc2011      photographs of PASCAL VOC 2011, train and val (1.7 GB, and as much again unpacked)
    keypoints    their keypoint annotations, from Berkeley
    caffenet     the Caffe reference network, the paper's (244 MB)
    alexnet      BVLC AlexNet, from Caffe's model zoo (244 MB)
    torchvision  torchvision's AlexNet (244 MB)
    """
    from corrlib.data.download import download

    for name in args.what:
        print(download(name, args.out), flush=True)


def _reproduce(args: argparse.Namespace) -> None:
    """Run the paper's own experiments at its scale, and set every number beside the published one.
    All four chapters: a million patches per layer, 25 neighbours, all objects, all layers and radii. The cost
    is estimated first. A run that was stopped resumes. It ends with the scoreboard: every number of Tables 1
    to 4 beside the paper's, and a verdict on each claim. Run it in the project's folder. The network and the
    search for nearest neighbours run on a GPU if torch sees one. What is computed is kept in CORRLIB_CACHE.

    examples:
      corrlib download voc2011 keypoints caffenet --out data
      corrlib reproduce --data data --weights data/bvlc_reference_caffenet.caffemodel --out reproduction
      corrlib reproduce --data data --weights alexnet.caffemodel --out sure --no-difficult --device cuda:1
    """
    from corrlib.convnet import device
    from corrlib.publishing.reproduce import reproduce

    if args.device:
        os.environ[device.VARIABLE] = args.device  # the chapters' kernels read it, too
    which = dict(difficult=args.difficult, truncated=args.truncated)
    print(reproduce(Path(), args.data, args.weights, args.out, patches=args.patches, **which))


def _figurines(args: argparse.Namespace) -> None:
    """Render a dataset of figurines, on disk in the layout of VOC 2011.
    Twenty categories with Berkeley's keypoints and the true correspondence of every pixel. An image depends
    only on the seed, its category and its number. A run that was stopped resumes.

    examples:
      corrlib figurines --out figurines-7 --train 200 --val 100 --seed 7
    """
    from corrlib.figurines import write_world

    print(write_world(args.out, train=args.train, val=args.val, seed=args.seed))


def _train(args: argparse.Namespace) -> None:
    """Train the figurine network on whole-image labels.
    Its images are rendered once, with seeds of their own; no keypoint and no box is used. A run that was
    stopped resumes. The defaults are those of the network in the package.

    examples:
      corrlib train --out small.safetensors --images 200 --epochs 5
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that spin slow down all on a busy machine
    from corrlib import cache
    from corrlib.figurines import CATEGORIES, pretraining, training

    folder = cache.cache_dir() / "pretraining"
    images = pretraining.labelled_images(folder, per_category=args.images, seed=pretraining.TRAIN_SEED)
    held_out = pretraining.labelled_images(folder, per_category=args.held_out, seed=pretraining.HELD_OUT_SEED)
    options = f"--images {args.images} --held-out {args.held_out} --epochs {args.epochs} --seed {args.seed}"
    command, names = f"corrlib train --out {args.out.name} {options}", tuple(CATEGORIES)
    about = training.train(
        *images, *held_out, args.out, categories=names, command=command, epochs=args.epochs, seed=args.seed
    )
    print(f"{args.out}: {float(about['accuracy']):.1%} of the held-out images are classified correctly")


def _cache(args: argparse.Namespace) -> None:
    """List what the cache holds: entries per function, their size, and how many are stale.
    Stale entries are those of other code or other versions of libraries. --prune removes them, and what
    stopped runs have left, but nothing that a process is using.

    examples:
      corrlib cache
      corrlib cache --prune
    """
    from corrlib.cache import contents

    contents.main(prune=args.prune)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status; errors of use are printed without a traceback."""
    getattr(sys.stdout, "reconfigure", dict)(errors="replace")  # it may lack a sign of what hours have found
    try:
        if not (cores := os.environ.get("LOKY_MAX_CPU_COUNT", "1")).isdecimal():
            raise ValueError(f"LOKY_MAX_CPU_COUNT is {cores!r}, not a number of cores: correct or unset it")
        os.environ["MPLBACKEND"] = "agg"  # commands open no window, whatever an editor has set
        (args := _parser().parse_args(argv)).call(args)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"corrlib: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("corrlib: interrupted", file=sys.stderr)
        return 130
    return 0
