"""What tests of faults share: how many are tried, bounds on time and memory, and files that are damaged."""

import contextlib
import os
import resource
import signal
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

#: Inputs of each kind that are tried: a fixed sample here, many by ``make faults``.
COUNT = int(os.environ.get("FAULTS") or 0)
INPUTS = COUNT or 40

fuzzed = settings(max_examples=INPUTS, suppress_health_check=list(HealthCheck))

#: What those who parse take for numbers, ends and beginnings.
PIECES = [b"\0", b"\xff", b"\xff" * 8, b"\x7f\xff\xff\xff", b"\0\0\0\x80", b"9" * 12, b"-1", b"1e999", b"nan"]
PIECES += [b"<", b'"', b"[" * 9, b"{", b"\n", b":", b"\x80\x02", b"PK\x03\x04"]

#: What may stand where a number should: None is an attribute that is not there.
NUMBERS = [
    "1",
    "-5",
    "0",
    "4.5",
    "1e3",
    "999999",
    "1e308",
    "-1e999",
    "nan",
    "inf",
    "",
    "x",
    "1_0",
    "٣",
    "0x1",
]
NUMBERS += ["9" * 400, None]


class Hang(BaseException):
    """It takes too long. No Exception: nobody shall take it for an error of their own."""


@contextlib.contextmanager
def bounded(*, seconds=10, memory=2**28):
    """Raise Hang after so many seconds, and MemoryError where so many more bytes are asked for."""

    def stop(*_):
        raise Hang(f"still at work after {seconds} s")

    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGALRM, stop)
    resource.setrlimit(resource.RLIMIT_AS, (mapped + memory, hard))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGALRM, handler)


def attempt(call, *given, names=None, asks=False, **bounds):
    """What a call returns; None if it refuses by a ValueError that `names` a file.

    It must have refused before it asked for more memory than there is; unless it `asks`, as torch does: it
    makes room for what a length claims, and reads what is there.
    """
    try:
        with bounded(**bounds):
            return call(*given)
    except ValueError as error:
        assert names is None or str(names) in str(error), f"{error!r} does not say which file"
        cause = error
        while cause is not None:
            assert asks or not isinstance(cause, MemoryError), "it asked for memory first"
            cause = cause.__cause__ or cause.__context__
        return None


@st.composite
def damaged(draw, *wholes):
    """One of some files, with up to four places changed, cut out, put in or doubled."""
    data = bytearray(draw(st.sampled_from(wholes)))
    for _ in range(draw(st.integers(1, 4))):
        # Beginnings are where headers are; some formats have theirs at the end.
        at = draw(st.integers(0, len(data)) | st.integers(0, min(99, len(data))))
        at = len(data) - at if draw(st.booleans()) else at
        kind = draw(st.sampled_from(["bit", "cut", "end", "put", "over", "twice"]))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=9))
        size = draw(st.integers(0, 99))
        if kind == "bit" and at < len(data):
            data[at] ^= 1 << size % 8
        elif kind == "cut":
            del data[at : at + size]
        elif kind == "end":
            del data[at:]
        elif kind == "put":
            data[at:at] = piece
        elif kind == "over":
            data[at : at + len(piece)] = piece
        else:
            data[at:at] = data[at : at + size]
    return bytes(data)
