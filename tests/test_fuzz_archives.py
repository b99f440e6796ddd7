"""Archives that are damaged or hostile: nothing outside of the target, no link, no device, little memory."""

import bz2
import gzip
import lzma
import shutil
import tarfile
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corrlib.data import DataError
from corrlib.data.archives import unpack
from faults import attempt, bounded, damaged, fuzzed

words = st.text(max_size=9)
PLACES = [
    "annotations/cat/a.xml",
    "annotations/cat",
    "annotations/cat/a.xml/b",
    "annotations",
    "annotations/",
    "",
    ".",
]
PLACES += [
    "../x",
    "/x",
    "annotations/../../x",
    "annotations/cat/../../../x",
    "annotations/./cat//b",
    "C:annotations/x",
]
PLACES += [
    "annotations/" + "n" * 300,
    "annotations/" + "d/" * 2000 + "x",
    "annotations/caf\udce9",
    "annotations/a\\b",
]
PLACES += [
    "annotations/ü",
    "annotations/\n",
    "x/annotations/y",
    "annotations/.x",
    "annotations/annotations/z",
]
TYPES = [
    tarfile.REGTYPE,
    tarfile.AREGTYPE,
    tarfile.LNKTYPE,
    tarfile.SYMTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
]
TYPES += [
    tarfile.DIRTYPE,
    tarfile.FIFOTYPE,
    tarfile.CONTTYPE,
    tarfile.GNUTYPE_SPARSE,
    tarfile.GNUTYPE_LONGNAME,
]
TYPES += [tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, b"Z", b"\0"]
RECORDS = {
    "path": "../x",
    "size": "99999999999999999999",
    "linkpath": "/etc",
    "GNU.sparse.size": "9",
    "GNU.sparse.map": "0,9",
}
RECORDS |= {
    "GNU.sparse.major": "1",
    "GNU.sparse.minor": "0",
    "GNU.sparse.realsize": "9" * 15,
    "hdrcharset": "BINARY",
}
RECORDS |= {"mtime": "nan", "GNU.sparse.name": "../../x"}
LARGEST = 10**5


def member(name, kind, claimed, content, link, records, form):
    """One member; what it claims need not be what it has."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.pax_headers = kind, link, records
    info.size = len(content) if claimed is None else claimed
    try:
        head = info.tobuf(form, "utf-8", "surrogateescape")
    except (ValueError, UnicodeError):  # too long or too large for that format
        head = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    return head + content + bytes(-len(content) % 512)


claims = st.sampled_from([None, None, None, 0, 511, LARGEST, 2**40, 2**62, -1, -512])
contents = st.binary(max_size=30) | st.just(b"x" * 3000) | st.just(b"9" * 512)
records = st.sets(st.sampled_from(sorted(RECORDS)), max_size=4).map(
    lambda keys: {k: RECORDS[k] for k in keys}
)
forms = st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
inside = st.sampled_from(PLACES) | words.map("annotations/{}".format)
tars = st.builds(
    member, inside, st.sampled_from(TYPES) | st.just(b"0"), claims, contents, inside, records, forms
)
GOOD = member("annotations/cat/a.xml", b"0", None, b"<a/>", "", {}, tarfile.PAX_FORMAT)
packed = st.sampled_from([bytes, gzip.compress])
archives = st.builds(
    lambda found, end, pack: pack(GOOD + b"".join(found) + end),
    st.lists(tars, max_size=4),
    st.sampled_from([bytes(1024), bytes(1024), bytes(512), b""]),
    packed,
)


def unpacked(folder, content):
    """Unpack an archive into a new folder; return that, or None; nothing else may be there."""
    archive, into = folder / "archive", folder / "outer" / "into"
    shutil.rmtree(folder / "outer", ignore_errors=True)
    (folder / "outer").mkdir(parents=True)
    archive.write_bytes(content)
    done = attempt(lambda: unpack(archive, into, folder="annotations", largest=LARGEST) or into)
    made = list((folder / "outer").rglob("*"))
    assert all(path.is_relative_to(into) and not path.is_symlink() for path in made)
    assert all(path.is_file() or path.is_dir() for path in made), "a device or a pipe"
    assert sum(path.stat().st_size for path in made if path.is_file()) <= LARGEST
    assert {path.name for path in folder.iterdir()} == {"archive", "outer"}
    return done


@fuzzed
@given(
    content=archives
    | st.builds(lambda a, d: d, archives, damaged(GOOD * 3 + bytes(1024)))
    | archives.flatmap(damaged)
)
def test_archives(tmp_path, content):
    unpacked(tmp_path, content)


def extended(kind, size, content=b"", name="x"):
    """A header of a kind that is about the one that follows."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def record(key, value):
    line = f" {key}={value}\n"
    size = len(line) + 2
    return (f"{size + (len(str(size)) > 2)}{line}").encode()


GLOBAL = b"".join(record(f"k{n:03}", "v" * 9) for n in range(99))
SPARSE = record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0")
NOISE = np.random.default_rng(0).bytes(3 * 10**4)
HOSTILE = {
    "a name of terabytes": extended(tarfile.GNUTYPE_LONGNAME, 2**42),
    "records of more bytes than an integer has": extended(tarfile.XHDTYPE, 2**70),
    "records of gigabytes": extended(tarfile.XHDTYPE, 2**31),
    "records of less than nothing": extended(tarfile.XHDTYPE, -512) * 2,
    "digits that are searched again and again": extended(tarfile.XHDTYPE, 2**17, b"1" * 2**17) + GOOD,
    "headers about headers": extended(tarfile.XHDTYPE, 0) * 2000 + GOOD,
    "global records without end": b"".join(
        extended(tarfile.XGLTYPE, len(g := GLOBAL.replace(b"k", b"%c" % n)), g) + GOOD for n in b"abc"
    ),
    "a sparse file": member("annotations/x", tarfile.GNUTYPE_SPARSE, 0, b"", "", {}, tarfile.GNU_FORMAT),
    "a newer sparse file": extended(tarfile.XHDTYPE, len(SPARSE), SPARSE) + GOOD,
    "a name that no disk has": member("annotations/" + "n" * 300, b"0", 0, b"", "", {}, tarfile.GNU_FORMAT),
    "a size of less than nothing": member("annotations/x", b"0", -512, b"", "", {}, tarfile.GNU_FORMAT),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_has_been_found_in_archives(tmp_path, what):
    with pytest.raises(DataError), bounded(seconds=5):
        (tmp_path / "a.tar").write_bytes(GOOD + HOSTILE[what] + bytes(1024))
        unpack(tmp_path / "a.tar", tmp_path / "into", folder="annotations", largest=10**7)
    assert unpacked(tmp_path / "again", GOOD + HOSTILE[what] + bytes(1024)) is None


def test_every_damage_of_a_compressed_archive_is_noticed(tmp_path):
    whole = gzip.compress(
        member("annotations/cat/a.xml", b"0", None, NOISE, "", {}, tarfile.GNU_FORMAT) + bytes(1024)
    )
    assert unpacked(tmp_path, whole)
    for at in range(10, len(whole), len(whole) // 20):
        damage = bytearray(whole)
        damage[at] ^= 255
        found = unpacked(tmp_path, bytes(damage))
        assert found is None or (found / "cat" / "a.xml").read_bytes() == NOISE


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_archives_are_not_compressed_otherwise(tmp_path, pack):
    whole = GOOD + bytes(1024)
    assert unpacked(tmp_path, gzip.compress(whole)) and unpacked(tmp_path, pack(whole)) is None


def test_millions_of_members_are_not_kept_in_memory(tmp_path):
    other = member("else", b"0", None, b"", "", {}, tarfile.GNU_FORMAT)
    (tmp_path / "a.tar").write_bytes(GOOD + other * 4000 + bytes(1024))
    tracemalloc.start()
    unpack(tmp_path / "a.tar", tmp_path / "into", folder="annotations", largest=10**7)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**21, "of which half is a buffer"
