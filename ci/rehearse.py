"""Rehearse `corrlib reproduce` at VOC's scale without VOC: python ci/rehearse.py --help"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import joblib
import nbformat
import numpy as np
from tqdm import tqdm

from corrlib import cache, convnet, experiments
from corrlib.convnet.layers import architecture
from corrlib.data import VOC, crops
from corrlib.experiments.visualization import units
from corrlib.figurines import CATEGORIES, world
from corrlib.publishing import reproduce
from corrlib.publishing.reproduce import cost, stages, times

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import caffe  # noqa: E402

HELP = """\
Run the paper's whole experiment on data and weights that are made here, and write down what it takes.

The data are figurines in the proportions of VOC: persons in nearly a third of the images, chairs, cars and
dogs in many, buses and sofas in few; one half is train. As many images again have no keypoints: with them,
the patches of train are a million. The network is a CaffeNet of full width with random weights, in a
.caffemodel. `corrlib reproduce` takes all this for VOC 2011, for it cannot tell: what its scoreboard says
means nothing here. On the way it is killed at random moments, and run again until it ends.

examples:
  OMP_NUM_THREADS=1 python ci/rehearse.py --out rehearsal
  python ci/rehearse.py --out small --images 120 --bare 0 --patches 10000 --kills 1

The folder gets the data, random.caffemodel, a cache of its own, what `corrlib reproduce` writes, and
rehearsal-stages.json: the stages with what they took, and the part of each that a GPU could do (the network,
measured on buses alone, and the search for similar patches). As results/rehearsal-stages.json it is what the
command's estimates of time rest on.
"""
#: Parts in a thousand of all images, about those of VOC's objects.
SHARES = {
    "person": 310, "chair": 85, "car": 75, "dog": 55, "bottle": 45, "cat": 45, "bird": 40, "pottedplant": 35,
    "boat": 32, "aeroplane": 31, "sheep": 30, "tvmonitor": 28, "bicycle": 26, "horse": 26, "motorbike": 26,
    "train": 23, "diningtable": 23, "cow": 22, "bus": 22, "sofa": 21,
}  # fmt: skip
#: Of the published reference model.
WIDTHS = dict(conv1=96, conv2=256, conv3=384, conv4=384, conv5=256, fc6=4096, fc7=4096, fc8=1000)


def write_data(root: Path, images: int, bare: int, *, size: int = 500, seed: int = 7) -> None:
    """Write a world of about so many images, and `bare` ones of train; what is there is left as it is."""
    voc = root / "VOCdevkit" / "VOC2011"
    folders = [voc / "JPEGImages", voc / "Annotations", voc / "ImageSets" / "Main", root / "truth"]
    for folder in (*folders, *(root / "annotations" / name for name in CATEGORIES)):
        folder.mkdir(parents=True, exist_ok=True)
    half = {name: max(2, round(images * share / 2000)) for name, share in SHARES.items()}
    more = {name: round(bare * share / 1000) for name, share in SHARES.items()}
    splits = {"train": [(c, k) for c in SHARES for k in range(half[c] + more[c])]}
    splits["val"] = [(c, world.VAL_START + k) for c in SHARES for k in range(half[c])]
    every = [(*job, world.image_id(*job)) for jobs in splits.values() for job in jobs]
    todo = [(c, k) for c, k, name in every if not (voc / "Annotations" / f"{name}.xml").is_file()]
    work = (joblib.delayed(world._write_image)(root, seed, *job, size) for job in todo)
    pool = joblib.Parallel(joblib.cpu_count(), return_as="generator_unordered")
    for _ in tqdm(pool(work), total=len(todo), desc="figurines", unit="image", disable=None):
        pass
    for split, jobs in splits.items():
        world._write_lists(voc, split, [world.image_id(*job) for job in jobs])
    for category, number in splits["train"]:
        if number >= half[category]:
            for path in root.glob(f"annotations/*/{world.image_id(category, number)}_*.xml"):
                path.unlink()
    shutil.rmtree(root / "truth")  # of photographs there is none


def write_caffemodel(path: Path, widths: dict[str, int], *, seed: int = 0) -> None:
    """Write a CaffeNet with random weights, of the spread that keeps activations as large as the image."""
    rng, inputs, encoded = np.random.default_rng(seed), 3, caffe.field(1, b"CaffeNet") + caffe.layer("data")
    for one in architecture("caffenet").layers:
        blobs = []
        if one.kind in ("conv", "fc"):
            spatial = (one.kernel, one.kernel) if one.kind == "conv" else ()
            inputs = inputs // one.groups * (36 if one.name == "fc6" else 1)
            shape = (widths[one.name], inputs, *spatial)
            weight = rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / np.prod(shape[1:])))
            blobs, inputs = [caffe.blob(weight), caffe.blob(np.zeros(shape[0], np.float32))], shape[0]
        encoded += caffe.layer(one.name, *blobs)
    path.write_bytes(encoded)


def run(command: list[str], environment: dict[str, str], *, kill_after: float | None) -> int | None:
    """Run a command in the project's folder: its exit status, None if it was killed, with all it started."""
    running = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        return running.wait(kill_after)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        return None


def shares(data: VOC, weights: Path, category: str) -> dict[tuple[str, str], float]:
    """The network's part of the processor time of each stage, measured on a single category."""
    spent, folder = [0.0], tempfile.TemporaryDirectory()
    root, voc = Path(folder.name), Path("VOCdevkit", "VOC2011")
    shutil.copytree(data.root / "annotations" / category, root / "annotations" / category)
    for part in ("Annotations", "ImageSets", "JPEGImages"):
        (root / voc).mkdir(parents=True, exist_ok=True)
        (root / voc / part).symlink_to((data.root / voc / part).resolve())

    def timed(*args, apply=convnet.layers.apply):
        started = time.thread_time()
        try:
            return apply(*args)
        finally:
            spent[0] += time.thread_time() - started

    convnet.network.apply = convnet.dense.apply = timed
    os.environ["CORRLIB_CACHE"] = str(root / "cache")
    alone, network, found = VOC(root), convnet.load(weights), {}
    given = reproduce.parameters(alone, network, root, weights, 64)
    every = {name: reproduce.whole(ROOT, name, own) for name, own in given.items()}
    for stage in stages(alone, network, every):
        before, used = spent[0], time.process_time()
        for _, call in stage.steps:
            call()
        found[stage.chapter, stage.name] = (spent[0] - before) / (time.process_time() - used)
    folder.cleanup()
    return found


def searching(data: VOC, network: convnet.Network, images: int, *, rows: int = 1024) -> float:
    """Processor seconds that the first chapter searches its database, measured on some of its queries."""
    database, scored = units.sample(data, "train", images, seed=0), units.sample(data, "val", 24, seed=0)
    spent = 0.0
    for layer in units.LAYERS:
        stored, query = (units.units(data, network, layer, names) for names in (database, scored))
        started = time.process_time()
        units.neighbours(query, stored, 5, rows=slice(rows))
        spent += (time.process_time() - started) * len(query.image) / rows
    return spent


def record(out: Path, weights: Path, patches: int, runs: list[dict[str, float]]) -> None:
    """Write rehearsal-stages.json."""
    data, network = VOC(out / "data"), convnet.load(weights)
    images, patches = cost.database(data, network, patches)
    given = reproduce.parameters(data, network, data.root, weights, images)
    every = {name: reproduce.whole(ROOT, name, own) for name, own in given.items()}
    needed = cost.estimate(data, network, every, patches)
    files = [path for path in (out / "cache").rglob("*") if path.is_file()]
    disk, os.environ["CORRLIB_CACHE"] = sum(path.stat().st_size for path in files), str(out / "cache")
    rows, searched = times.summed(out / "stages.csv"), searching(data, network, images)
    (first,) = [row for row in rows if (row["chapter"], row["unit"]) == ("visualization", "patches")]
    part = shares(data, weights, "bus") | {
        ("visualization", first["stage"]): min(1, searched / first["processor_seconds"])
    }
    values = {
        "stages": [row | {"device_share": part.get((row["chapter"], row["stage"]), 0.0)} for row in rows],
        "instances": {
            s: sum(len(crops.visible(data, c, s)) for c in data.categories) for s in ("train", "val")
        },
        "images": {s: len(data.image_ids(s)) for s in ("train", "val")},
        "disk_bytes": disk,
        "disk_bytes_estimated": needed.total,
        "memory_bytes_estimated": needed.memory,
        "runs": runs,
    }
    about = experiments.provenance(
        data,
        network,
        parameters={"patches": patches},
        module="corrlib.publishing.reproduce",
        seconds=sum(run["seconds"] for run in runs),
    )
    commit = nbformat.read(out / "visualization.ipynb", as_version=4).metadata["corrlib"].get("commit")
    about |= {"tier": "rehearsal", "photographs": "figurines in the proportions of VOC", "commit": commit}
    cache.write_result(out / "rehearsal-stages.json", values, provenance=about)


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--images", type=int, default=1300, help="with keypoints (%(default)s)")
    parser.add_argument("--bare", type=int, default=700, help="and without, in train (%(default)s)")
    parser.add_argument("--patches", type=int, default=10**6, help="as of corrlib reproduce (%(default)s)")
    parser.add_argument("--kills", type=int, default=2, help="how often it is killed (%(default)s)")
    parser.add_argument("--within", type=float, default=1200.0, help="seconds of a start (%(default)s)")
    args = parser.parse_args()
    out = args.out.resolve()
    data, weights = out / "data", out / "random.caffemodel"
    if not (data / "VOCdevkit/VOC2011/ImageSets/Main/val.txt").is_file():
        write_data(data, args.images, args.bare)
    if not weights.is_file():
        write_caffemodel(weights, WIDTHS)
    environment, runs = os.environ | {"CORRLIB_CACHE": str(out / "cache")}, []
    command = [str(Path(sys.executable).with_name("corrlib")), "reproduce", "--data", str(data)]
    command += ["--weights", str(weights), "--out", str(out), "--patches", str(args.patches)]
    while not (out / "scoreboard.md").is_file():
        after, started = random.uniform(0, args.within) if len(runs) < args.kills else None, time.monotonic()
        status = run(command, environment, kill_after=after)
        runs.append({"seconds": round(time.monotonic() - started, 1), "killed": status is None})
        print(f"{'killed' if status is None else 'ended'} after {runs[-1]['seconds']:.0f} s", flush=True)
        if status:
            raise SystemExit(status)
    record(out, weights, args.patches, runs)
    print(out / "rehearsal-stages.json")


if __name__ == "__main__":
    main()
