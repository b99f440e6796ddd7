"""Limits for readers of hostile files, random changes of valid files, and files of wrong claims."""

import contextlib
import io
import re
import resource
import signal
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import strategies as st

#: What parsers take for numbers, beginnings and ends.
PIECES = [b"", b"\0", b"\xff" * 8, b"\x7f\xff\xff\xff", b"9" * 12, b"-1", b"1e999", b"nan", b"<", b'"', b"["]


@contextlib.contextmanager
def limited(seconds=10, memory=2**30):
    """Fail after some seconds; raise MemoryError when that many more bytes are requested."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail(f"no result after {seconds} s"))
    resource.setrlimit(resource.RLIMIT_AS, (mapped + memory, hard))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def read(reader, path, content, message=""):
    """Return what a reader makes of a file; None for a ValueError that names it and has the message."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        with limited():
            return reader(path)
    except ValueError as error:
        assert re.search(rf"(?s){re.escape(path.name)}.*{message}", str(error))
        # torch allocates what a length claims, and then reads what is there.
        assert path.suffix == ".pth" or not isinstance(error.__cause__, MemoryError)


@st.composite
def changed(draw, content):
    """A file in which bytes at up to four places are replaced, removed or inserted."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)) | st.integers(0, min(99, len(data))))  # often in the header,
        start = len(data) - start if draw(st.booleans()) else start  # which some formats have at the end
        length = draw(st.sampled_from([0, 0, 1, 1, 4, 8, 99, len(data)]))
        data[start : start + length] = draw(st.sampled_from(PIECES) | st.binary(max_size=9))
    return bytes(data)


def zipped(files, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(buffer := io.BytesIO(), "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)  # with the same date in every run
    return buffer.getvalue()


def unzipped(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def headed(header, body=b""):
    """A file of safetensors."""
    return struct.pack("<Q", len(header)) + header + body


def member(name, kind=tarfile.REGTYPE, content=b"", size=None):
    """A member of a tar archive, which may claim another size than it has."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, "/etc/hostname", len(content) if size is None else size
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def extended(size=None, content=b"", kind=tarfile.XHDTYPE):
    """A header that describes the next one, by records or a long name."""
    return member("x", kind, content, size)


def directory(content, offset, value):
    """A .zip file whose directory makes another statement about its first member."""
    start = content.index(b"PK\x01\x02") + offset
    return content[:start] + value + content[start + len(value) :]


def npy(**claims):
    """A .npy file of four bytes that claims something else."""
    text = repr({"descr": "<f4", "fortran_order": False, "shape": (1,)} | claims).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(4)


class Code:
    """What fails when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("code was run",)


def pth(replaced=(), **features):
    """A state dict of torchvision's alexnet, narrow and without groups; or another object."""
    shapes = [(8, 3, 11, 11), (8, 8, 5, 5), (8, 8, 3, 3), (6, 8, 3, 3), (4, 6, 3, 3)]
    layers = list(zip((0, 3, 6, 8, 10), shapes, strict=True))
    state = {f"features.{n}.weight": torch.zeros(shape) for n, shape in layers}
    state |= {f"features.{n}.bias": torch.zeros(shape[0]) for n, shape in layers}
    state |= {f"features.0.{key}": value for key, value in features.items()}
    torch.save(replaced or state, file := io.BytesIO())
    return file.getvalue()
