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
            add("-h", "--help", action=_ChapterHelp, nargs=0, help="show this help and exit")
            add("chapter", help="name of a chapter (alignment) or path to it (book/alignment.py)")
            add("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="repeatable")
        return add

    folder = dict(type=Path, required=True, metavar="DIR")
    add = command(_run, chapter=True)
    add("-o", "--out", type=Path, required=True, metavar="NOTEBOOK", help="file to write, such as out.ipynb")
    add = command(_sweep, chapter=True)
    add("--out", **folder, help="folder for the results, for example runs/align")
    add("--grid", type=Path, metavar="FILE", help="parameters in YAML; those of -p take precedence")
    add("--workers", type=_count, metavar="N", help="number of processes (default: one per core)")
    add("--scheduler", metavar="ADDRESS", help="address of a dask cluster to use instead")
    add("--dry-run", action="store_true", help="only list the points and whether they are done")
    command(_collect)("folder", type=Path, metavar="DIR", help="folder with the notebooks")
    add = command(_book)
    add("--data", metavar="DIR", help="data_root of every chapter (default: the figurines)")
    add("--weights", metavar="FILE", help="weights of every chapter (default: the figurine network)")
    add("--pdf", action="store_true", help="also print the book to _build/corrlib.pdf (needs Chromium)")
    add = command(_download)
    add("--out", **folder, help="folder for the files, for example data")
    add("what", nargs="+", choices=DOWNLOADS, metavar="what", help="one or more of the names listed above")
    add = command(_reproduce)
    add("--out", **folder, help="folder for the notebooks and the scoreboard")
    add("--data", required=True, metavar="DIR", help="folder of the data, as written by corrlib download")
    add("--weights", required=True, metavar="FILE", help="file with the weights of the network")
    add("--patches", type=_count, default=10**6, metavar="N", help="patches per layer (default: %(default)s)")
    for kind in ("difficult", "truncated"):
        text = f"whether to use objects that VOC marks as {kind} (default: yes)"
        add(f"--{kind}", action=argparse.BooleanOptionalAction, default=True, help=text)
    add("--workers", type=_count, metavar="N", help="number of processes (default: one, with all cores)")
    add("--scheduler", metavar="ADDRESS", help="address of a dask cluster to use instead")
    add("--device", help="torch device, such as cuda:1 (default: CORRLIB_DEVICE, or a GPU if there is one)")
    add = command(_figurines)
    add("--out", **folder, help="folder to create")
    text = "images per category (default: %(default)s)"
    add("--train", type=int, default=80, metavar="N", help=f"training {text}")
    add("--val", type=int, default=40, metavar="N", help=f"validation {text}")
    add("--seed", type=int, default=0, metavar="S", help="random seed (default: %(default)s)")
    add = command(_train)
    add("--out", type=_safetensors, required=True, metavar="FILE", help=".safetensors file to write")
    add("--images", type=_count, default=3000, metavar="N", help=f"training {text}")
    add("--held-out", type=_count, default=60, metavar="N", help=f"{text} for measuring the accuracy")
    add("--epochs", type=_count, default=7, metavar="N", help="passes over the images (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="S", help="random seed (default: %(default)s)")
    command(_cache)("--prune", action="store_true", help="remove stale entries")
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
    """Read parameters given as NAME=VALUE."""
    if wrong := [text for text in parameters if text.find("=") < 1]:
        raise ValueError(f"-p takes NAME=VALUE, got {wrong[0]!r}")
    if len(named := dict(text.split("=", 1) for text in parameters)) < len(parameters):
        raise ValueError(f"-p gives a parameter twice: {', '.join(parameters)}")
    return named


def _run(args: argparse.Namespace) -> None:
    """Execute one chapter with other parameters and write the notebook, with its figures and tables.
    `corrlib run alignment --help` lists the parameters of the chapter. Lists are written with
    commas; true, false and none are written as words.

    examples:
      corrlib run visualization -p layer=conv4 -p k=1 -o conv4.ipynb
      corrlib run visualization -p data_root=photographs -p weights=alexnet.npz -o photos.ipynb
    """
    from corrlib.publishing import kernel

    kernel.prepare()  # it imports what the chapter needs, while this process imports papermill
    from corrlib.publishing import book, chapters

    chapter = chapters.find(args.chapter)
    values = chapters.typed(_named(args.parameter), chapter)
    if book.reads_data(chapter):
        from corrlib.data import open_dataset

        open_dataset(values.get(book.DATA))  # figurines are drawn here, where a terminal shows the progress
    notebook = chapters.run(chapter, args.out, values)
    took = f"{args.out}: executed in {notebook.metadata.papermill.duration:.0f} s"
    print(f"{took}\n{chapters.result(notebook)}".rstrip())


def _sweep(args: argparse.Namespace) -> None:
    """Execute a chapter at every point of a parameter grid, and make one table and one page of all points.
    The folder gets a notebook per point, without exercises, and results.csv, .json, .png and .html. A sweep
    that was stopped resumes: points that are done are not executed again. If one fails, the others still run.
    Values are separated by commas, or by semicolons if they are lists themselves. first:last:step is a range
    that includes both ends. A grid in YAML has a line such as `alpha: [0.05, 0.1]` for each parameter.

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
        raise runs.SweepError(f"{failed} of {len(rows)} points failed: see {args.out / 'results.csv'}")


def _collect(args: argparse.Namespace) -> None:
    """Make the table and the page of a sweep from all notebooks in a folder that papermill has executed.

    examples:
      corrlib collect runs/align
    """
    from corrlib.publishing.sweep import runs

    runs.collect(args.folder)
    print(args.folder / "results.html")


def _book(args: argparse.Namespace) -> None:
    """Build the book of the project in the current folder: _build/html/index.html.
    Only chapters whose text, parameters, code, pinned requirements or data have changed are executed.

    examples:
      corrlib book --data photographs --weights alexnet.npz
      corrlib book --pdf
    """
    from corrlib.publishing import book

    print(book.build(Path(), data_root=args.data, weights=args.weights, pdf=args.pdf))


def _download(args: argparse.Namespace) -> None:
    """Download the paper's own data and weights, and verify and unpack them.
    If an address fails, the next one is tried. Files that are already in the folder under the right names
    are not downloaded again. Proxies are taken from the environment: HTTP_PROXY, HTTPS_PROXY, NO_PROXY.

    examples:
      corrlib download voc2011 keypoints caffenet --out data

    voc2011      photographs of PASCAL VOC 2011, train and val (1.7 GB, and as much again unpacked)
    keypoints    keypoint annotations of these photographs, from Berkeley
    caffenet     the Caffe reference network, which the paper uses (244 MB)
    alexnet      BVLC AlexNet, from Caffe's model zoo (244 MB)
    torchvision  torchvision's AlexNet (244 MB)
    """
    from corrlib.data.download import download

    for name in args.what:
        print(download(name, args.out), flush=True)


def _reproduce(args: argparse.Namespace) -> None:
    """Run the paper's own experiments at its scale, and compare every number with the published one.
    It runs all four chapters in the project's folder, with a million patches per layer, 25 neighbours, and
    all objects, layers and radii. The cost is estimated first. A run that was stopped resumes. It ends with
    the scoreboard, which has a verdict on each claim. The network and the search for neighbours run on a GPU
    if torch finds one. Results are kept in CORRLIB_CACHE, which workers on other machines must share.

    examples:
      corrlib reproduce --data data --weights data/bvlc_reference_caffenet.caffemodel --out reproduction
      corrlib reproduce --data data --weights alexnet.caffemodel --out sure --no-difficult --device cuda:1
    """
    from corrlib.convnet import device
    from corrlib.publishing.reproduce import reproduce

    if args.device:
        os.environ[device.VARIABLE] = args.device  # the chapters' kernels read it, too
    given = {n: getattr(args, n) for n in ("patches", "difficult", "truncated", "workers", "scheduler")}
    print(reproduce(Path(), args.data, args.weights, args.out, **given))


def _figurines(args: argparse.Namespace) -> None:
    """Render a dataset of figurines, and store it in the layout of VOC 2011.
    It has twenty categories with Berkeley's keypoints and the true correspondence of every pixel. An image
    depends only on the seed, its category and its number. A run that was stopped resumes.

    examples:
      corrlib figurines --out figurines-7 --train 200 --val 100 --seed 7
    """
    from corrlib.figurines import write_world

    print(write_world(args.out, train=args.train, val=args.val, seed=args.seed))


def _train(args: argparse.Namespace) -> None:
    """Train the figurine network on whole-image labels.
    Its training images are rendered once, with seeds of their own; no keypoints and no boxes are used. A run
    that was stopped resumes. The network in the package was trained with the default settings.

    examples:
      corrlib train --out small.safetensors --images 200 --epochs 5
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning threads slow down a busy machine
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
    """List the entries of the cache by function, with their size and the number of stale entries.
    An entry is stale if it was computed by other code or with other versions of the libraries. --prune
    removes stale entries and the leftovers of stopped runs, but nothing that a process is using.

    examples:
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
