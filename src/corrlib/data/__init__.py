"""Datasets: one reader (`voc`), and the embedded world of figurines that it reads by default."""
# ruff: noqa: F401

from pathlib import Path

from corrlib.cache import CacheError, entry_path, hold
from corrlib.data.annotations import DataError
from corrlib.data.voc import VOC, Instance

#: The embedded world: numbers of images per category, and the seed.
WORLD = {"train": 80, "val": 40, "seed": 0}


def open_dataset(
    data_root: str | Path | None = None, *, difficult: bool = True, truncated: bool = True
) -> VOC:
    """Open a dataset: the one at `data_root`, or the embedded world of figurines.

    DataError if there is no dataset at `data_root`; CacheError if the figurines cannot be written.

    Parameters
    ----------
    data_root
        A folder in the layout of `corrlib.data.voc`. None or an empty string: the figurines, which are
        rendered into the cache (`corrlib.cache.cache_dir`) by the first process that asks for them, and again
        only if the code or the libraries that render them have changed.
    difficult, truncated
        As in `VOC`.
    """
    if data_root:
        return VOC(Path(data_root).expanduser(), difficult, truncated)
    out = entry_path("corrlib.figurines.world", WORLD)
    hold(out)
    if not (out / "figurines.json").is_file():
        from filelock import FileLock

        from corrlib.figurines import write_world

        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{out}.lock"):
                if not (out / "figurines.json").is_file():  # another process drew them while we waited
                    write_world(out, **WORLD)
        except OSError as error:
            cure = "CORRLIB_CACHE names another folder"
            raise CacheError(f"the figurines cannot be drawn: {error}. {cure}") from error
        hold(out)
    return VOC(out, difficult, truncated)
