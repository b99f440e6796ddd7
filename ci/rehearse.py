"""Rehearse `corrlib reproduce` at VOC's scale without VOC: python ci/rehearse.py --help"""

import argparse
import contextlib
import csv
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import joblib
import numpy as np
from tqdm import tqdm

from corrlib import cache, convnet, retrieval
from corrlib.convnet.layers import architecture
from corrlib.data import VOC
from corrlib.figurines import CATEGORIES, world
from corrlib.publishing import reproduce, results

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import caffe  # noqa: E402

HELP = """\
Run the paper's whole experiment on data and weights that are made here, and record what it takes.

The data are figurines in the proportions of VOC: persons in nearly a third of the images, chairs, cars and
dogs in many, buses and sofas in few; half of them are train. The network is a CaffeNet of full width with
random weights, in a .caffemodel. To `corrlib reproduce` all this looks like VOC 2011: its scoreboard means
nothing here. It is killed at random times on the way, and run again until it ends.

examples:
  OMP_NUM_THREADS=1 python ci/rehearse.py --out rehearsal
  python ci/rehearse.py --out small --images 120 --patches 10000 --kills 1

The folder gets the data, random.caffemodel, a cache, what `corrlib reproduce` writes, and
rehearsal-stages.json: what the stages took, and the part of each that a GPU could do (the network and the
search for neighbours, measured on little data). The command's estimates of time are made from that file,
in results/ of the project.
"""
#: Parts in a thousand of all images, about those of VOC's objects.
SHARES = {
    "person": 310, "chair": 85, "car": 75, "dog": 55, "bottle": 45, "cat": 45, "bird": 40, "pottedplant": 35,
    "boat": 32, "aeroplane": 31, "sheep": 30, "tvmonitor": 28, "bicycle": 26, "horse": 26, "motorbike": 26,
    "train": 23, "diningtable": 23, "cow": 22, "bus": 22, "sofa": 21,
}  # fmt: skip
#: Of the published reference model.
WIDTHS = dict(conv1=96, conv2=256, conv3=384, conv4=384, conv5=256, fc6=4096, fc7=4096, fc8=1000)


def write_data(root: Path, images: int, *, size: int = 500, seed: int = 7) -> None:
    """Write a world of about so many images, at least two of each category in each split."""
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
    """Write a CaffeNet with random weights, scaled so that activations stay as large as the image."""
    rng, inputs, parameters = np.random.default_rng(seed), 3, {}
    layers = {layer.name: layer for layer in architecture("caffenet").layers}
    for name, width in widths.items():
        spatial = (layers[name].kernel,) * 2 if layers[name].kind == "conv" else ()
        shape = (width, inputs // layers[name].groups * (36 if name == "fc6" else 1), *spatial)
        scale = np.float32(np.sqrt(2 / np.prod(shape[1:])))
        parameters[f"{name}.weight"] = rng.standard_normal(shape, np.float32) * scale
        parameters[f"{name}.bias"], inputs = np.zeros(width, np.float32), width
    path.write_bytes(caffe.network(parameters))


def summed(log: Path) -> list[dict]:
    """What ``stages.csv`` says of each stage, in all runs together."""
    stages: dict[tuple[str, str], dict] = {}
    with log.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            about = {name: row[name] for name in ("chapter", "stage", "unit")}
            empty = about | dict(seconds=0.0, processor_seconds=0.0, peak_memory_bytes=0, counts={})
            stage = stages.setdefault((row["chapter"], row["stage"]), empty)
            stage["counts"][row["step"]] = int(row["count"])  # a later run finds the step in the cache
            for name in ("seconds", "processor_seconds"):
                stage[name] = round(stage[name] + float(row[name]), 2)
            stage["peak_memory_bytes"] = max(stage["peak_memory_bytes"], int(row["peak_memory_bytes"]))
    return [dict(stage, count=sum(stage.pop("counts").values())) for stage in stages.values()]


def device_shares(data: VOC, network: convnet.Network) -> dict[tuple[str, str], float]:
    """(Chapter, stage) -> the part of its processor time that a GPU could do; the cache must be empty."""
    spent, shares = [0.0], {}

    def timed(name, call):
        def wrapper(*args, **options):
            started = time.thread_time()
            result = call(*args, **options)
            spent[0] += time.thread_time() - started
            return result

        return mock.patch(f"corrlib.{name}", wrapper)

    with (
        timed("convnet.network.apply", convnet.layers.apply),
        timed("convnet.dense.apply", convnet.layers.apply),
        timed("experiments.visualization.units.nearest", retrieval.nearest),
    ):
        for chapter, settings in reproduce.plan(ROOT, data, network, 10**5).settings.items():
            for stage in reproduce.stages(data, network, settings):
                before, used = spent[0], time.process_time()
                for _, call in stage.steps:
                    call()
                shares[chapter, stage.name] = (spent[0] - before) / (time.process_time() - used)
    return shares


def record(
    out: Path, planned: reproduce.Plan, runs: list[dict], shares: dict[tuple[str, str], float]
) -> None:
    """Write rehearsal-stages.json."""
    stages = summed(out / "stages.csv")
    for row in stages:
        row["device_share"] = shares.get((row["chapter"], row["stage"]), 0.0)
    values = {
        "stages": stages,
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
    parser.add_argument("--images", type=int, default=2800, help="of the dataset (%(default)s)")
    parser.add_argument("--patches", type=int, default=10**6, help="as of corrlib reproduce (%(default)s)")
    parser.add_argument("--kills", type=int, default=2, help="how often it is killed (%(default)s)")
    args = parser.parse_args()
    out, runs = args.out.resolve(), []
    data, weights, small = out / "data", out / "random.caffemodel", out / "small"
    for folder, images in ((data, args.images), (small, 80)):
        if not (folder / "VOCdevkit/VOC2011/ImageSets/Main/val.txt").is_file():
            write_data(folder, images)
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
    network = convnet.load(weights)
    planned = reproduce.plan(ROOT, VOC(data), network, args.patches)
    os.environ["CORRLIB_CACHE"] = str(small / "cache")
    record(out, planned, runs, device_shares(VOC(small), network))
    print(out / "rehearsal-stages.json")


if __name__ == "__main__":
    main()
