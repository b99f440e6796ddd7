"""The paper's own data and weights, downloaded, verified and unpacked: ``corrlib download``.

A download is one file. It is checked before it counts: against its known digest or, where nobody has
published one, against the digest of the file seen first. What it becomes appears under its name in one step.
An interrupted download starts anew.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import requests
from filelock import FileLock
from tqdm import tqdm

from corrlib.cache import StoreError, replacing
from corrlib.data.annotations import DataError
from corrlib.data.archives import unpack

#: The Internet Archive's copy, nearest in time to 2020, of what an address held, byte by byte.
ARCHIVE = "https://web.archive.org/web/2020id_/"


@dataclass(frozen=True)
class Source:
    """Something to download.

    Attributes
    ----------
    file
        Its name.
    urls
        Where it is, tried in turn.
    digest
        ``sha1:...`` or ``sha256:...``; empty if none is known.
    largest
        Bytes that neither the file nor what it unpacks to may exceed.
    folder
        The part of an archive that is kept, wherever it is in there; empty for a file that stays as it is.
    holds
        A pattern that some file in `folder` must match, or the archive is another one.
    """

    file: str
    urls: tuple[str, ...]
    digest: str
    largest: int
    folder: str = ""
    holds: str = ""


_VOC = "http://host.robots.ox.ac.uk/pascal/VOC/voc2011/VOCtrainval_25-May-2011.tar"
_KEYPOINTS = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/shape/poselets/"
_KEYPOINTS += "voc2011_keypoints_Feb2012.tgz"
_CAFFE = "http://dl.caffe.berkeleyvision.org/"

#: What ``corrlib download`` knows. VOC 2011 is 1.7 GB, a network 240 MB, the keypoints are a few.
SOURCES = {
    "voc2011": Source(
        "VOCtrainval_25-May-2011.tar",
        (_VOC, ARCHIVE + _VOC),
        "sha256:0a7f5f5d154f7290ec65ec3f78b72ef72c6d93ff6d79acd40dc222a9ee5248ba",
        largest=4 * 10**9,
        folder="VOCdevkit/VOC2011",
        holds="ImageSets/Main/train.txt",
    ),
    "keypoints": Source(
        "voc2011_keypoints_Feb2012.tgz",
        (_KEYPOINTS, ARCHIVE + _KEYPOINTS),
        "",
        largest=10**9,
        folder="annotations",
        holds="*/*.xml",
    ),
    "caffenet": Source(
        "bvlc_reference_caffenet.caffemodel",
        (
            f"{_CAFFE}bvlc_reference_caffenet.caffemodel",
            f"{ARCHIVE}{_CAFFE}bvlc_reference_caffenet.caffemodel",
        ),
        "sha1:4c8d77deb20ea792f84eb5e6d0a11ca0a8660a46",
        largest=3 * 10**8,
    ),
    "alexnet": Source(
        "bvlc_alexnet.caffemodel",
        (
            f"{_CAFFE}bvlc_alexnet.caffemodel",
            "https://nvidia.box.com/shared/static/5j264j7mky11q8emy4q14w3r8hl5v6zh.caffemodel",
            f"{ARCHIVE}{_CAFFE}bvlc_alexnet.caffemodel",
        ),
        "sha1:9116a64c0fbe4459d18f4bb6b56d647b63920377",
        largest=3 * 10**8,
    ),
    "torchvision": Source(
        "alexnet-owt-7be5be79.pth",
        ("https://s3.amazonaws.com/pytorch/models/alexnet-owt-7be5be79.pth",),
        "sha256:7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        largest=3 * 10**8,
    ),
}


class DownloadError(DataError):
    """Nothing usable at any address; the message has the reasons, and where to put the file by hand."""


def download(name: str, out: str | Path, *, timeout: float = 30.0) -> Path:
    """Bring one of `SOURCES` into a folder, unless it is there.

    A file of the right name that lies in the folder already is used, without any connection. Proxies are
    those of the environment (``HTTP_PROXY``, ``HTTPS_PROXY``, ``NO_PROXY``).

    Parameters
    ----------
    name
        ``voc2011``, ``keypoints``, ``caffenet``, ``alexnet`` or ``torchvision``.
    out
        The folder, which becomes a data set by ``voc2011`` and ``keypoints``.
    timeout
        Seconds that a server may be silent, before the next address is tried.

    Returns
    -------
    Path
        The file, or the folder that it unpacked to.

    Raises
    ------
    DownloadError
        If no address had it.
    StoreError
        If it cannot be written.
    ValueError
        If `name` is none of `SOURCES`.
    """
    if name not in SOURCES:
        raise ValueError(f"nothing is known of {name!r}: corrlib download has {', '.join(SOURCES)}")
    source, out = SOURCES[name], Path(out)
    target, work = out / (source.folder or source.file), out / f".{source.file}.part"
    try:
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / f".{source.file}.lock"):
            shutil.rmtree(work, ignore_errors=True)  # of a killed run
            if source.folder and target.is_dir():  # which appears whole, or not at all
                return target
            try:
                return _obtain(name, source, out, target, work, timeout)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            f"cannot write {name} into {out}: {error}; free some space, or choose another folder"
        ) from error


def _obtain(name: str, source: Source, out: Path, target: Path, work: Path, timeout: float) -> Path:
    record = out / f"{source.file}.sha256"
    seen = record.read_text().partition(" ")[0] if record.is_file() and not source.digest else ""
    seen = f"sha256:{seen}" if seen else ""
    given, failures = out / source.file, []
    for place in (given, *source.urls) if given.is_file() else source.urls:
        try:
            file = given if place is given else _fetch(place, source, work, timeout)
            digest = _checked(file, source.digest or seen or "sha256:", f" as in {record}" if seen else "")
            made = _unpacked(file, work / "unpacked", source)
        except (DataError, requests.RequestException) as error:
            failures.append(f"  {place}: {_reason(error, timeout)}")
            continue
        if not (source.digest or seen):
            with replacing(record) as temporary:
                temporary.write_text(f"{digest}  {source.file}\n")
        target.parent.mkdir(parents=True, exist_ok=True)
        made.replace(target)
        return target
    raise DownloadError(
        f"{name} could not be downloaded:\n" + "\n".join(failures) + f"\nPut {source.file}, from one of "
        f"these addresses or from elsewhere, into {out.resolve()} and run the same command again: no "
        f"connection is needed then (expected: {source.digest or seen or 'no digest is known'})"
    )


class _Progress:
    """What pooch reports to (see its "custom progress bars"): stops what grows larger than it can be."""

    def __init__(self, bar: tqdm, folder: Path, largest: int) -> None:
        self.bar, self.folder, self.largest, self.total = bar, folder, largest, 0

    def update(self, count: int) -> None:
        # The count is the size of pooch's buffer, however much of it was filled.
        if sum(file.stat().st_size for file in self.folder.iterdir()) > self.largest:
            raise DataError(f"it sends more than {self.largest / 1e6:,.0f} MB, more than this file has")
        self.bar.total = self.total or None
        self.bar.update(count)

    def reset(self) -> None:
        self.bar.reset()

    def close(self) -> None:
        self.bar.close()


def _fetch(url: str, source: Source, work: Path, timeout: float) -> Path:
    import pooch  # which warns of missing widgets when it is imported in a notebook

    shutil.rmtree(work, ignore_errors=True)
    pooch.get_logger().setLevel("WARNING")
    with tqdm(desc=source.file, unit="B", unit_scale=True, disable=None, leave=False) as bar:
        progress = _Progress(bar, work, source.largest)
        get = pooch.HTTPDownloader(progressbar=progress, chunk_size=2**16, timeout=timeout)
        return Path(pooch.retrieve(url, None, fname=source.file, path=work, downloader=get))


def _checked(file: Path, expected: str, whence: str) -> str:
    """Digest of a file; ``sha256:`` expects any."""
    kind, _, digest = expected.partition(":")
    with file.open("rb") as content:
        found = hashlib.file_digest(content, kind).hexdigest()
    if digest and found != digest:
        raise DataError(f"its digest is {kind}:{found}, expected {digest}{whence}")
    return found


def _unpacked(file: Path, into: Path, source: Source) -> Path:
    """What becomes of the file: itself, or what it unpacks to."""
    if not source.folder:
        return file
    unpack(file, into, folder=source.folder, largest=source.largest)
    if not any(into.glob(source.holds)):
        raise DataError(f"it has no {source.folder}/{source.holds}: it is no archive of this data")
    return into


def _reason(error: Exception, timeout: float) -> str:
    """What went wrong, in one line."""
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"silent for {timeout:g} s"
    if isinstance(error, requests.HTTPError):
        return f"the server answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.RequestException):
        return f"no connection, or a broken one ({type(error).__name__}: {str(error)[:200]})"
    return str(error)
