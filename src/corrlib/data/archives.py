"""Unpack an archive that may be damaged or hostile."""

from __future__ import annotations

import errno
import gzip
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from corrlib.data.annotations import DataError

#: What reading a damaged archive raises; the last three: one name is both a file and a folder there.
BROKEN = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError)
BROKEN += (FileExistsError, IsADirectoryError, NotADirectoryError)
BROKEN += (OverflowError, MemoryError, RecursionError)  # of what a header claims
#: The system's errors that are the archive's fault: names that are too long, places that cannot be.
BLAMED = (errno.ENAMETOOLONG, errno.EINVAL)
#: Headers that are about the one that follows, with a long name or with records, which are read into memory.
EXTENDED = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
EXTENDED += (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
#: Bytes of such a header, and the global records of an archive, at most.
LONGEST, MOST_RECORDS = 2**13, 100


def unpack(archive: Path, into: Path, *, folder: str, largest: int) -> None:
    """Write the regular files of one folder of a tar archive, plain or compressed by gzip.

    Only regular files are made, in new folders and under names that are checked: there is no link to follow,
    and nothing takes its owner or its permissions from the archive.

    Parameters
    ----------
    archive
        The file.
    into
        Where the content of `folder` goes: a new folder.
    folder
        The folder, wherever it is in there. Hidden files, such as macOS leaves, stay out.
    largest
        Bytes that the archive, unpacked, may have.

    Raises
    ------
    DataError
        If it is no archive, or not whole; if a path leads elsewhere, or the folder holds links or devices; if
        it is larger than `largest`.
    """
    wanted, left = PurePosixPath(folder).parts, largest
    with archive.open("rb") as file:
        # Others than gzip may ask for gigabytes before they unpack a byte.
        mode = "r:gz" if file.read(2) == b"\x1f\x8b" else "r:"
    try:
        with tarfile.open(archive, mode, tarinfo=_Member) as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # which would list millions
                left -= member.size + tarfile.BLOCKSIZE
                if left < 0 or member.size < 0:
                    raise DataError(f"it unpacks to more than {largest / 1e6:,.0f} MB")
                if (inner := _inside(member, wanted)) is not None:
                    path = into / inner
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with tar.extractfile(member) as content, path.open("wb") as file:
                        shutil.copyfileobj(content, file)
            _finish(tar, left)
    except DataError:
        raise
    except BROKEN as error:
        raise DataError(f"it is no whole archive ({error})") from error
    except OSError as error:
        if error.errno not in BLAMED:
            raise
        raise DataError(f"it is no whole archive ({error})") from error


class _Member(tarfile.TarInfo):
    """A header as archives of data have them; tarfile itself believes what others claim."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in EXTENDED and not 0 <= self.size <= LONGEST:
            raise DataError(f"it holds a header of {self.size:,} bytes")
        if len(tar.pax_headers) > MOST_RECORDS:
            raise DataError(f"it holds more than {MOST_RECORDS} global records")
        return super()._proc_member(tar)

    def _refuse(self, *_: object) -> None:
        raise DataError(f"it holds {self.name!r}, a sparse file")

    _proc_sparse = _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse


def _finish(tar: tarfile.TarFile, left: int) -> None:
    """Read an archive to its end: tarfile takes a missing end for one, and checksums come last."""
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError("its end is missing")
    while rest := tar.fileobj.read(2**20):
        left -= len(rest)
        if left < 0:
            raise ValueError("it does not end")


def _inside(member: tarfile.TarInfo, wanted: tuple[str, ...]) -> PurePosixPath | None:
    """Path of a file relative to the folder that is wanted, or None; what no such archive has is refused."""
    parts = PurePosixPath(member.name).parts
    if member.name.startswith("/") or ".." in parts or "\\" in member.name or ":" in member.name:
        raise DataError(f"it holds {member.name!r}, a path that leads elsewhere")
    at = next((i for i in range(len(parts)) if parts[i : i + len(wanted)] == wanted), None)
    if at is None or any(part.startswith(".") for part in parts):
        return None
    if not (member.isfile() or member.isdir()):
        raise DataError(f"it holds {member.name!r}, which is neither a file nor a folder")
    inner = parts[at + len(wanted) :]
    return PurePosixPath(*inner) if inner and member.isfile() else None
