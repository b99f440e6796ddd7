"""Download the paper's dataset and published weights: ``corrlib download``.

A file is verified against its published digest or, where none is published, against the digest of the first
download, which is recorded beside it. The file, or the folder unpacked from it, appears under its name only
when it is complete. An interrupted download starts again.
"""

import errno
import gzip
import hashlib
import shutil
import tarfile
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile

import requests
from filelock import FileLock
from tqdm import tqdm

from corrlib.cache import CacheError, replacing
from corrlib.data.annotations import DataError

#: The Internet Archive's copy of an address, byte for byte, closest in time to 2020.
ARCHIVE = "https://web.archive.org/web/2020id_/"


@dataclass(frozen=True)
class Source:
    """A file to download, or an archive and the folder to unpack from it."""

    file: str
    urls: tuple[str, ...]  # tried in this order
    digest: str = ""  # sha1:... or sha256:..., if it has been published
    largest: int = 3 * 10**8  # bytes of the file, and of what it unpacks to
    folder: str = ""  # at any depth of the archive


_VOC = "http://host.robots.ox.ac.uk/pascal/VOC/voc2011/VOCtrainval_25-May-2011.tar"
_CAFFE = "http://dl.caffe.berkeleyvision.org/bvlc_"
_KEYPOINTS = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/shape/poselets/"
_KEYPOINTS += "voc2011_keypoints_Feb2012.tgz"
_BOX = "https://nvidia.box.com/shared/static/5j264j7mky11q8emy4q14w3r8hl5v6zh.caffemodel"

#: What ``corrlib download`` offers. VOC 2011 is 1.7 GB, each network 240 MB, the keypoints a few MB.
SOURCES = {
    "voc2011": Source(
        "VOCtrainval_25-May-2011.tar",
        (_VOC, ARCHIVE + _VOC),
        "sha256:0a7f5f5d154f7290ec65ec3f78b72ef72c6d93ff6d79acd40dc222a9ee5248ba",
        largest=4 * 10**9,
        folder="VOCdevkit/VOC2011",
    ),
    "keypoints": Source(
        "voc2011_keypoints_Feb2012.tgz",
        (_KEYPOINTS, ARCHIVE + _KEYPOINTS),
        largest=10**9,
        folder="annotations",
    ),
    "caffenet": Source(
        "bvlc_reference_caffenet.caffemodel",
        (f"{_CAFFE}reference_caffenet.caffemodel", f"{ARCHIVE}{_CAFFE}reference_caffenet.caffemodel"),
        "sha1:4c8d77deb20ea792f84eb5e6d0a11ca0a8660a46",
    ),
    "alexnet": Source(
        "bvlc_alexnet.caffemodel",
        (f"{_CAFFE}alexnet.caffemodel", _BOX, f"{ARCHIVE}{_CAFFE}alexnet.caffemodel"),
        "sha1:9116a64c0fbe4459d18f4bb6b56d647b63920377",
    ),
    "torchvision": Source(
        "alexnet-owt-7be5be79.pth",
        ("https://s3.amazonaws.com/pytorch/models/alexnet-owt-7be5be79.pth",),
        "sha256:7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
    ),
}


class DownloadError(DataError):
    """No address had a usable file; the message lists the reasons, and where to put the file by hand."""


def download(name: str, out: str | Path, *, timeout: float = 30.0) -> Path:
    """Download one of `SOURCES` into a folder, unless it is already there.

    A file of the right name that is already in the folder is verified and used without a connection. Proxies
    are taken from the environment (``HTTP_PROXY``, ``HTTPS_PROXY``, ``NO_PROXY``).

    DownloadError if no address has a usable file; CacheError if `out` cannot be written.

    Parameters
    ----------
    out
        The folder for the files; with ``voc2011`` and ``keypoints``, it is a dataset.
    timeout
        Seconds without an answer after which the next address is tried.

    Returns
    -------
    Path
        The file, or the folder unpacked from it.
    """
    if name not in SOURCES:
        raise ValueError(f"nothing to download is called {name!r}; choose from {', '.join(SOURCES)}")
    source, out = SOURCES[name], Path(out)
    target, work = out / (source.folder or source.file), out / f".{source.file}.part"
    try:
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / f".{source.file}.lock"):
            try:
                if source.folder and target.is_dir():
                    return target
                return _obtain(name, source, out, target, work, timeout)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise CacheError(f"cannot write {name} into {out} ({error}): choose another folder") from error


def _obtain(name: str, source: Source, out: Path, target: Path, work: Path, timeout: float) -> Path:
    given, record, expected = out / source.file, out / f"{source.file}.sha256", source.digest
    if not expected and record.is_file():
        expected = f"sha256:{record.read_text().partition(' ')[0]}"
    failures = []
    for place in (*([given] if given.is_file() else []), *source.urls):
        shutil.rmtree(work, ignore_errors=True)  # left by the previous address, or by a killed run
        work.mkdir()
        try:
            file = given if place is given else _fetch(place, source, work / source.file, timeout)
            digest = _verify(file, expected)
            made = _unpack(file, work / "unpacked", source) if source.folder else file
        except (DataError, requests.RequestException) as error:
            reason = f"no answer for {timeout:g} s" if "timed out" in str(error) else str(error)[:300]
            failures.append(f"  {place}: {reason}")
            continue
        if not expected:
            with replacing(record) as temporary:
                temporary.write_text(f"{digest}  {source.file}\n")
        target.parent.mkdir(parents=True, exist_ok=True)
        return made.replace(target)
    recorded = f", as recorded in {record}" if expected and not source.digest else ""
    raise DownloadError(
        f"{name} could not be downloaded:\n" + "\n".join(failures) + f"\nPut {source.file}, from one of "
        f"these addresses or from elsewhere, into {out.resolve()} and run the same command again: it then "
        f"needs no connection (expected digest: {expected or 'unknown'}{recorded})"
    )


def _fetch(url: str, source: Source, path: Path, timeout: float) -> Path:
    with requests.get(url, stream=True, timeout=timeout) as response, path.open("wb") as file:
        response.raise_for_status()
        shown = dict(desc=source.file, unit="B", unit_scale=True, disable=None, leave=False)
        with tqdm(total=response.raw.length_remaining, **shown) as bar:
            for chunk in response.iter_content(2**16):
                bar.update(file.write(chunk))
                if file.tell() > source.largest:
                    raise DataError(f"it is larger than the {source.largest / 1e6:,.0f} MB expected at most")
    return path


def _verify(file: Path, expected: str) -> str:
    """Return a file's digest, SHA-256 if none is expected."""
    algorithm, _, digest = (expected or "sha256:").partition(":")
    with file.open("rb") as content:
        actual = hashlib.file_digest(content, algorithm).hexdigest()
    if digest and actual != digest:
        raise DataError(f"its digest is {algorithm}:{actual}, expected {digest}")
    return actual


def _unpack(archive: Path, into: Path, source: Source) -> Path:
    """Unpack the regular files of ``source.folder``, and nothing else, into a new folder."""
    try:
        with archive.open("rb") as file, TemporaryFile(dir=into.parent) as unzipped:
            if file.peek(2).startswith(b"\x1f\x8b"):
                with gzip.open(file) as content:
                    while unzipped.tell() <= source.largest and (chunk := content.read(2**20)):
                        unzipped.write(chunk)
                unzipped.flush()
                file = unzipped
            # Mapped: whatever size a header claims, no more is read than there is.
            with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
                if len(data) > source.largest:
                    raise tarfile.ReadError(f"it unpacks to more than {source.largest / 1e6:,.0f} MB")
                _extract(data, into, source.folder)
    except Exception as error:  # corrupt and hostile archives raise errors of many types
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
            raise
        raise DataError(f"{archive.name} is corrupt, or another archive than expected: {error}") from error
    return into


def _extract(data: mmap, into: Path, folder: str) -> None:
    with tarfile.open(fileobj=data, mode="r:") as tar:
        while (member := tar.next()) is not None:
            tar.members.clear()  # an archive can have millions
            tar.pax_headers.clear()
            if member.size < 0 or member.issparse():
                raise tarfile.ReadError(f"{member.name!r} is a sparse file, or of negative size")
            if (path := _path_inside(member, folder)) is not None:
                member.name = str(path)
                tar.extract(member, into, set_attrs=False, filter="data")
        if data[tar.offset : tar.offset + tarfile.BLOCKSIZE] != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("its end is missing")  # which tarfile accepts
    if not into.is_dir():
        raise tarfile.ReadError(f"it contains no folder {folder}")


def _path_inside(member: tarfile.TarInfo, folder: str) -> PurePosixPath | None:
    """Return the path of a regular file relative to `folder`, or None if it is not to be unpacked."""
    parts, wanted = PurePosixPath(member.name).parts, PurePosixPath(folder).parts
    if member.name.startswith("/") or ".." in parts:
        raise tarfile.ReadError(f"{member.name!r} leads outside of it")
    start = next((i for i in range(len(parts)) if parts[i : i + len(wanted)] == wanted), None)
    if start is None or any(part.startswith(".") for part in parts):
        return None  # another folder, or a hidden file of macOS
    if not (member.isfile() or member.isdir()):
        raise tarfile.ReadError(f"{member.name!r} is neither a file nor a folder")
    inner = parts[start + len(wanted) :]
    return PurePosixPath(*inner) if inner and member.isfile() else None
