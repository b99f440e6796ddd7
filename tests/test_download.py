"""Downloads against a server on loopback that truncates, stalls, lies, or sends something else."""

import dataclasses
import hashlib
import http.server
import io
import os
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time

import pytest

from corrlib.data import download as module
from corrlib.data.download import SOURCES, DownloadError, Source, download
from corrlib.publishing import cli

CONTENT = bytes(range(256)) * 400


def archive(members, mode="w:gz"):
    """Bytes of a tar archive of (name, content) or of TarInfo."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))
    return buffer.getvalue()


def link(name, to, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


GENUINE = archive([("annotations/cat/a_1.xml", b"<a/>"), ("annotations/._cat", b"apple"), ("readme", b"")])


class Server(http.server.ThreadingHTTPServer):
    """Serves `content` under a path that says how badly."""

    daemon_threads = True
    content = CONTENT
    # What a server that is told to stall waits for.
    release = threading.Event()

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []

    def url(self, how):
        return f"http://127.0.0.1:{self.server_port}/{how}"

    def handle_error(self, request, client_address):
        """A client that has gone away is what several tests want."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        """Say nothing."""

    def do_GET(self):
        self.server.asked.append(self.path)
        content, how = self.server.content, self.path.rpartition("/")[2]
        length, status = len(content), 200
        if how == "error":
            content, status = b"<html>not here</html>" * 100, 404
            length = len(content)
        elif how == "page":
            content = b"<html>please log in</html>" * 100
            length = len(content)
        elif how == "wrong":
            content = content[:-1] + b"!"
        elif how == "half":
            content = content[: length // 2]
        elif how == "claims-less":
            length //= 2
        elif how == "claims-more":
            length *= 2
        elif how == "redirect":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(status)
        if how not in ("endless", "half-unsaid"):
            self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        if how in ("stall", "half-unsaid"):
            self.wfile.write(content[: length // 2])
            self.wfile.flush()
            if how == "stall":
                self.server.release.wait(30)
            return
        self.wfile.write(content)
        while how == "endless":
            self.wfile.write(bytes(2**16))


@pytest.fixture
def server():
    one = Server()
    one.release.clear()
    thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield one
    one.release.set()
    one.shutdown()
    thread.join()
    one.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def source(monkeypatch, server):
    """Declare what is downloaded: ``source("stall", "good", content=..., ...)``."""

    def declare(*hows, content=CONTENT, known=True, **more):
        server.content = content
        digest = f"sha1:{hashlib.sha1(content).hexdigest()}" if known else ""
        made = Source("thing.bin", tuple(map(server.url, hows)), digest, **{"largest": 10**6} | more)
        monkeypatch.setitem(SOURCES, "thing", made)
        return made

    return declare


def left(folder):
    """What a user sees in a folder; the lock is nothing to see."""
    names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    return sorted(name for name in names if not name.endswith(".lock"))


FAULTS = {
    "half": "broken",
    "half-unsaid": "its digest is sha1:.*expected",
    "stall": "silent for 0.3 s",
    "claims-less": "its digest is",
    "claims-more": "broken",
    "error": "404",
    "page": "its digest is",
    "wrong": "its digest is",
    "endless": "more than 1 MB",
}


@pytest.mark.parametrize("how", FAULTS)
def test_a_fault_is_named_and_leaves_nothing(server, source, tmp_path, how):
    source(how)
    with pytest.raises(DownloadError, match=rf"(?s)/{how}: [^\n]*{FAULTS[how]}") as error:
        download("thing", tmp_path, timeout=0.3)
    assert f"Put thing.bin, from one of these addresses or from elsewhere, into {tmp_path}" in str(
        error.value
    )
    assert left(tmp_path) == []


@pytest.mark.parametrize("how", FAULTS)
def test_after_a_fault_comes_the_next_address(server, source, tmp_path, how):
    source(how, "good", "never")
    assert download("thing", tmp_path / "new" / "folder", timeout=0.3).read_bytes() == CONTENT
    assert server.asked == [f"/{how}", "/good"]
    assert left(tmp_path) == ["new/folder/thing.bin"]


def test_a_redirection_is_followed(source, tmp_path):
    source("redirect")
    assert download("thing", tmp_path).read_bytes() == CONTENT


def test_no_server_and_no_host(source, tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    one = source("good")
    closed = f"http://127.0.0.1:{port}/thing"
    monkeypatch.setitem(SOURCES, "thing", Source(**vars(one) | {"urls": (closed,)}))
    with pytest.raises(DownloadError, match="no connection") as error:
        download("thing", tmp_path)
    assert closed in str(error.value)


def test_what_is_there_is_not_downloaded_again(server, source, tmp_path):
    source("good")
    download("thing", tmp_path)
    download("thing", tmp_path)
    assert len(server.asked) == 1


def test_a_file_put_there_by_hand_needs_no_connection(server, source, tmp_path):
    source("error")
    (tmp_path / "thing.bin").write_bytes(CONTENT)
    assert download("thing", tmp_path) == tmp_path / "thing.bin"
    assert server.asked == []


def test_a_damaged_file_put_there_by_hand_is_replaced_or_named(server, source, tmp_path):
    source("error")
    (tmp_path / "thing.bin").write_bytes(CONTENT[:-1])
    with pytest.raises(DownloadError, match=r"thing\.bin: its digest is"):
        download("thing", tmp_path)
    assert (tmp_path / "thing.bin").read_bytes() == CONTENT[:-1], "it is not ours to delete"
    source("good")
    assert download("thing", tmp_path).read_bytes() == CONTENT


def test_the_proxy_of_the_environment_is_asked(server, source, tmp_path, monkeypatch):
    one = source("good")
    there = "http://nowhere.invalid/good"
    monkeypatch.setitem(SOURCES, "thing", Source(**vars(one) | {"urls": (there,)}))
    monkeypatch.setenv("HTTP_PROXY", server.url(""))
    assert download("thing", tmp_path).read_bytes() == CONTENT
    assert server.asked == [there]


def test_a_folder_that_cannot_be_written(source, tmp_path):
    source("good")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"cannot write thing into .*file"):
        download("thing", tmp_path / "file")


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match=r"'imagenet'.*voc2011, keypoints, caffenet, alexnet, torchvision"):
        download("imagenet", tmp_path)


PROGRAM = """
import sys
from corrlib import cli
from corrlib.data import download as module
url, digest, out = sys.argv[1:]
module.SOURCES["thing"] = module.Source("thing.bin", (url,), digest, largest=10**6)
module.download("thing", out)
"""


def test_a_killed_download_starts_anew(server, source, tmp_path):
    one = source("stall")
    command = [sys.executable, "-c", PROGRAM, one.urls[0], one.digest, str(tmp_path)]
    running = subprocess.Popen(command)
    deadline = time.monotonic() + 60
    while not any(tmp_path.glob(".thing.bin.part/*")):
        assert time.monotonic() < deadline and running.poll() is None
        time.sleep(0.02)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert not (tmp_path / "thing.bin").exists()
    source("good")
    assert download("thing", tmp_path).read_bytes() == CONTENT
    assert left(tmp_path) == ["thing.bin"]


def test_what_a_run_killed_at_its_very_end_has_left_is_removed(server, source, tmp_path, monkeypatch):
    one = source("good")
    monkeypatch.setitem(SOURCES, "thing", dataclasses.replace(one, folder="things"))
    (tmp_path / "things").mkdir()
    (tmp_path / ".thing.bin.part").mkdir()
    assert download("thing", tmp_path) == tmp_path / "things"
    assert not (tmp_path / ".thing.bin.part").exists()


def test_the_command_line(server, source, tmp_path, monkeypatch, capsys):
    one = source("good")
    monkeypatch.setitem(SOURCES, "alexnet", one)
    assert cli.main(["download", "alexnet", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr() == (f"{tmp_path / 'thing.bin'}\n", "")
    source("error")
    monkeypatch.setitem(SOURCES, "caffenet", SOURCES["thing"])
    (tmp_path / "thing.bin").unlink()
    assert cli.main(["download", "caffenet", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("corrlib: error: caffenet could not be downloaded:\n  http")
    with pytest.raises(SystemExit):
        cli.main(["download", "alexnet", "imagenet", "--out", str(tmp_path)])
    assert "imagenet" in capsys.readouterr().err and left(tmp_path) == []


# --- where no digest is known


def test_the_digest_first_seen_is_recorded_and_compared(server, source, tmp_path):
    source("good", known=False)
    download("thing", tmp_path)
    record = tmp_path / "thing.bin.sha256"
    assert record.read_text() == f"{hashlib.sha256(CONTENT).hexdigest()}  thing.bin\n"
    (tmp_path / "thing.bin").unlink()
    with pytest.raises(
        DownloadError, match=rf"expected {hashlib.sha256(CONTENT).hexdigest()} as in .*sha256"
    ):
        source("wrong", known=False)
        download("thing", tmp_path)
    assert left(tmp_path) == ["thing.bin.sha256"]
    source("wrong", "good", known=False)
    assert download("thing", tmp_path).read_bytes() == CONTENT


def test_nothing_is_recorded_of_what_is_no_archive(server, source, tmp_path):
    source("page", "good", content=GENUINE, known=False, folder="annotations", holds="*/*.xml")
    assert download("thing", tmp_path) == tmp_path / "annotations"
    assert left(tmp_path) == ["annotations/cat/a_1.xml", "thing.bin.sha256"]
    assert hashlib.sha256(GENUINE).hexdigest() in (tmp_path / "thing.bin.sha256").read_text()


# --- archives


@pytest.fixture
def unpack(source, tmp_path):
    """Download an archive whose digest is right and unpack its folder ``annotations``."""

    def run(content, **more):
        source("good", content=content, folder="annotations", holds="*/*.xml", **more)
        return download("thing", tmp_path / "out")

    return run


def test_an_archive_is_unpacked_from_wherever_its_folder_is(unpack, tmp_path):
    folder = tarfile.TarInfo("./Top/annotations/dog")
    folder.type = tarfile.DIRTYPE
    content = [("./Top/annotations/cat/a_1.xml", b"<a/>"), folder, ("./Top/annotations/cat/a_2.xml", b"<b/>")]
    target = unpack(archive([*content, ("./Top/else", b"?")], mode="w"))
    assert target == tmp_path / "out" / "annotations"
    assert left(tmp_path) == ["out/annotations/cat/a_1.xml", "out/annotations/cat/a_2.xml"]
    assert (target / "cat/a_2.xml").read_bytes() == b"<b/>"


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ([("../annotations/cat/a_1.xml", b"<a/>")], "leads elsewhere"),
        ([("/annotations/cat/a_1.xml", b"<a/>")], "leads elsewhere"),
        ([("annotations/cat/../../../a_1.xml", b"<a/>")], "leads elsewhere"),
        ([("annotations\\..\\a_1.xml", b"<a/>")], "leads elsewhere"),
        ([("C:annotations/cat/a_1.xml", b"<a/>")], "leads elsewhere"),
        ([link("annotations/cat", "..")], "neither a file nor a folder"),
        ([link("annotations/cat/a_1.xml", "/etc/hostname")], "neither a file nor a folder"),
        ([link("annotations/cat/a_1.xml", "x", tarfile.LNKTYPE)], "neither a file nor a folder"),
        ([link("annotations/cat/a_1.xml", "", tarfile.FIFOTYPE)], "neither a file nor a folder"),
        ([link("annotations/cat/a_1.xml", "", tarfile.CHRTYPE)], "neither a file nor a folder"),
        ([("annotations/cat/a_1.xml", bytes(2 * 10**6))], "unpacks to more than 1 MB"),
        ([(f"annotations/cat/a_{i}.xml", b"") for i in range(2000)], "unpacks to more than 1 MB"),
        ([("annotations/cat", b""), ("annotations/cat/a_1.xml", b"<a/>")], "no whole archive"),
        ([("else/cat/a_1.xml", b"<a/>")], r"has no annotations/\*/\*\.xml"),
        ([("annotations/readme", b"")], r"has no annotations/\*/\*\.xml"),
    ],
)
def test_hostile_archives_are_refused(unpack, tmp_path, members, complaint):
    with pytest.raises(DownloadError, match=complaint):
        unpack(archive([("annotations/dog/before.txt", b"<a/>"), *members]))
    assert left(tmp_path) == [] and not (tmp_path / "out" / "annotations").exists()


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("part", [0, 0.3, 0.7])
def test_truncated_archives_are_refused(unpack, tmp_path, mode, part):
    noise = [(f"annotations/cat/a_{i}.xml", os.urandom(997)) for i in range(20)]
    content = archive(noise, mode)
    with pytest.raises(DownloadError, match="no whole archive"):
        unpack(content[: int(part * len(content))])
    assert left(tmp_path) == []


def test_a_damaged_stream_is_refused(unpack, tmp_path):
    content = bytearray(archive([("annotations/cat/a_1.xml", os.urandom(50_000))]))
    content[30_000] ^= 255
    with pytest.raises(DownloadError, match="no whole archive"):
        unpack(bytes(content))
    assert left(tmp_path) == []


def test_a_folder_that_is_there_is_left_alone(server, source, tmp_path):
    source("error", folder="annotations", holds="*/*.xml")
    (tmp_path / "annotations").mkdir()
    assert download("thing", tmp_path) == tmp_path / "annotations"
    assert server.asked == []


def test_an_archive_put_there_by_hand_is_unpacked_and_stays(server, source, tmp_path):
    source("error", content=GENUINE, folder="annotations", holds="*/*.xml")
    (tmp_path / "thing.bin").write_bytes(GENUINE)
    download("thing", tmp_path)
    assert left(tmp_path) == ["annotations/cat/a_1.xml", "thing.bin"]
    assert server.asked == []


# --- what is known


def test_the_known_sources_can_be_told_from_others():
    assert tuple(SOURCES) == cli.DOWNLOADS
    for name, one in SOURCES.items():
        kind, _, digest = one.digest.partition(":")
        assert (len(digest), kind) in ((40, "sha1"), (64, "sha256")) or name == "keypoints"
        assert one.urls[0].endswith(one.file) and len(set(one.urls)) == len(one.urls)
        assert bool(one.folder) == bool(one.holds)
    digest = SOURCES["torchvision"].digest
    assert SOURCES["torchvision"].file == f"alexnet-owt-{digest.removeprefix('sha256:')[:8]}.pth"
    assert SOURCES["keypoints"].urls[1] == module.ARCHIVE + SOURCES["keypoints"].urls[0]
