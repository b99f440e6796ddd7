"""Rehearse `corrlib reproduce` at VOC's scale without VOC: python ci/rehearse.py --help"""

import argparse
import contextlib
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import joblib
import nbformat
import numpy as np
from tqdm import tqdm

from corrlib import cache, convnet
from corrlib.convnet.layers import architecture
from corrlib.data import VOC
from corrlib.figurines import CATEGORIES, world
from corrlib.publishing import reproduce, results

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import caffe  # noqa: E402

HELP = """\
Run the paper's whole experiment on data and weights that are generated here, and record the resources used.

The data are figurines in the proportions of VOC: persons in nearly a third of the images, chairs, cars and
dogs in many, buses and sofas in few. Half of the images are for training. The network is a CaffeNet of full
width with random weights, in a .caffemodel. To `corrlib reproduce`, all this looks like VOC 2011; its
scoreboard has no meaning here. The command is killed at random times and run again until it ends.

examples:
  OMP_NUM_THREADS=1 python ci/rehearse.py --out rehearsal
  python ci/rehearse.py --out small --images 120 --patches 10000 --kills 1

The folder gets the data, random.caffemodel, a cache, the output of `corrlib reproduce`, and
rehearsal-stages.json, which records the resources used by each chapter. `corrlib reproduce` estimates times
from the copy of this file in results/ of the project. Work that a chapter did before it was killed is not
counted, so use --kills 0 to measure times.
"""
#: Images of each category per thousand, approximately as in VOC.
SHARES = {
    "person": 310, "chair": 85, "car": 75, "dog": 55, "bottle": 45, "cat": 45, "bird": 40, "pottedplant": 35,
    "boat": 32, "aeroplane": 31, "sheep": 30, "tvmonitor": 28, "bicycle": 26, "horse": 26, "motorbike": 26,
    "train": 23, "diningtable": 23, "cow": 22, "bus": 22, "sofa": 21,
}  # fmt: skip
#: Channels of the layers of the published reference model.
WIDTHS = dict(conv1=96, conv2=256, conv3=384, conv4=384, conv5=256, fc6=4096, fc7=4096, fc8=1000)


def write_data(root: Path, images: int, *, size: int = 500, seed: int = 7) -> None:
    """Write a dataset of about `images` images, with at least two of each category in each split."""
    voc = root / "VOCdevkit" / "VOC2011"
    folders = [voc / name for name in ("JPEGImages", "Annotations", "ImageSets/Main")]
    for folder in (*folders, root / "truth", *(root / "annotations" / name for name in CATEGORIES)):
        folder.mkdir(parents=True, exist_ok=True)
    half = {name: max(2, round(images * share / 2000)) for name, share in SHARES.items()}
    first = {"train": 0, "val": world.VAL_START}
    splits = {s: [(c, start + k) for c in SHARES for k in range(half[c])] for s, start in first.items()}
    jobs = [job for split in splits.values() for job in split]
    pool = joblib.Parallel(joblib.cpu_count(), return_as="generator_unordered")
    work = pool(joblib.delayed(world._write_image)(root, seed, *job, size) for job in jobs)
    for _ in tqdm(work, total=len(jobs), desc="figurines", unit="image", disable=None):
        pass
    shutil.rmtree(root / "truth")  # photographs have none
    for split, jobs in splits.items():
        world._write_lists(voc, split, [world.image_id(*job) for job in jobs])


def write_caffemodel(path: Path, widths: dict[str, int], *, seed: int = 0) -> None:
    """Write a CaffeNet with random weights, scaled so that activations are about as large as pixel values."""
    rng, inputs, parameters = np.random.default_rng(seed), 3, {}
    layers = {layer.name: layer for layer in architecture("caffenet").layers}
    for name, width in widths.items():
        spatial = (layers[name].kernel,) * 2 if layers[name].kind == "conv" else ()
        shape = (width, inputs // layers[name].groups * (36 if name == "fc6" else 1), *spatial)
        scale = np.float32(np.sqrt(2 / np.prod(shape[1:])))
        parameters[f"{name}.weight"] = rng.standard_normal(shape, np.float32) * scale
        parameters[f"{name}.bias"], inputs = np.zeros(width, np.float32), width
    path.write_bytes(caffe.network(parameters))


def stages(out: Path, planned: reproduce.Plan) -> list[dict]:
    """Time and memory of each chapter, as recorded in its notebook."""
    rows = []
    for chapter in planned.parameters:
        unit, count = "objects", planned.objects("val")
        if chapter == "visualization":
            unit, count = "patches", planned.patches
        about = nbformat.read(out / f"{chapter}.ipynb", as_version=4).metadata
        row = dict(chapter=chapter, stage="the chapter", unit=unit, count=count)
        row |= dict(seconds=round(about.papermill.duration, 2), processor_seconds=about.corrlib.processor)
        rows.append(row | {"peak_memory_bytes": about.corrlib.memory})
    return rows


def record(out: Path, planned: reproduce.Plan, runs: list[dict]) -> None:
    """Write rehearsal-stages.json."""
    values = {
        "stages": stages(out, planned),
        "objects": {split: planned.objects(split) for split in ("train", "val")},
        "images": {split: len(planned.data.image_ids(split)) for split in ("train", "val")},
        "disk_bytes": sum(path.stat().st_size for path in (out / "cache").rglob("*") if path.is_file()),
        "disk_bytes_estimated": sum(reproduce.disk(planned).values()),
        "memory_bytes_estimated": reproduce.memory(planned),
        "runs": runs,
    }
    about = dict(dataset="rehearsal", photographs="figurines in the proportions of VOC", network="random")
    about |= dict(data=planned.data.digest, weights=planned.network.digest)
    about |= dict(parameters={"patches": planned.patches}, code=cache.code_digest(reproduce.__name__))
    about |= dict(seconds=sum(run["seconds"] for run in runs))
    results.write(out / "rehearsal-stages.json", values, provenance=about)


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--images", type=int, default=2800, help="size of the dataset (default: %(default)s)")
    parser.add_argument("--patches", type=int, default=10**6, help="as in corrlib reproduce (%(default)s)")
    parser.add_argument("--kills", type=int, default=2, help="number of interruptions (default: %(default)s)")
    args = parser.parse_args()
    out, runs = args.out.resolve(), []
    data, weights = out / "data", out / "random.caffemodel"
    if not (data / "VOCdevkit/VOC2011/ImageSets/Main/val.txt").is_file():
        write_data(data, args.images)
    write_caffemodel(weights, WIDTHS)
    command = [Path(sys.executable).with_name("corrlib"), "reproduce", "--out", out, "--data", data]
    command += ["--weights", weights, "--patches", str(args.patches)]
    os.environ["CORRLIB_CACHE"] = str(out / "cache")
    while not (out / "scoreboard.md").is_file():
        after, started = random.uniform(0, 1200) if len(runs) < args.kills else None, time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, cwd=ROOT, timeout=after, check=True)
            after = None
        runs.append({"seconds": round(time.monotonic() - started, 1), "killed": after is not None})
    record(out, reproduce.plan(ROOT, VOC(data), convnet.load(weights), args.patches), runs)
    print(out / "rehearsal-stages.json")


if __name__ == "__main__":
    main()
