"""Downloads from a local server that truncates files, stalls or sends something else."""

import gzip
import hashlib
import http.server
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from corrlib.data.download import SOURCES, DownloadError, Source, download
from corrlib.publishing import cli
from hostile import member

CONTENT = bytes(range(256)) * 400
XML = member("Top/annotations/cat/a_1.xml", content=b"<a/>")
ARCHIVE = gzip.compress(XML + member("Top/annotations/._cat") + member("Top/readme") + bytes(1024))


class Handler(http.server.BaseHTTPRequestHandler):
    """Sends the content of its server, with the fault that the path names."""

    def log_message(self, *args):
        """Print nothing."""

    def do_GET(self):
        self.server.paths.append(self.path)
        fault, content = self.path.rpartition("/")[2], self.server.content
        half, page = content[: len(content) // 2], b"<html>log in</html>" * 99
        body = {"404": page, "page": page, "wrong": content[:-1] + b"!"}.get(fault, content)
        body = half if fault in ("half", "unannounced-half", "stalled") else body
        self.send_response({"404": 404, "redirect": 302}.get(fault, 200))
        if fault not in ("unannounced-half", "page", "endless"):
            self.send_header("Content-Length", str(len(content)))
        self.send_header("Location", "/good")
        self.end_headers()
        self.wfile.write(body)
        if fault == "stalled":
            self.server.stopped.wait(30)
        while fault == "endless":
            self.wfile.write(bytes(2**16))


@pytest.fixture
def server(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.content, server.paths, server.stopped = CONTENT, [], threading.Event()
        server.handle_error = lambda *client: None  # to disconnect is part of several tests
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.stopped.set()
        server.shutdown()


@pytest.fixture
def source(monkeypatch, server):
    """Declare the source ``thing`` with an address for each fault."""

    def declare(*faults, content=CONTENT, known=True, **fields):
        server.content = content
        digest = f"sha1:{hashlib.sha1(content).hexdigest()}" if known else ""
        local = f"http://127.0.0.1:{server.server_port}/"
        urls = tuple(fault if ":" in fault else local + fault for fault in faults)
        source = Source("thing.bin", urls, digest, 10**6, **fields)
        monkeypatch.setitem(SOURCES, "thing", source)
        return source

    return declare


def files(folder):
    """Files below a folder except locks."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*.*") if p.suffix != ".lock")


FAULTS = {
    "half": "Connection broken",
    "unannounced-half": "its digest is sha1:.*expected",
    "stalled": "no answer for 0.3 s",
    "404": "404",
    "wrong": "its digest is",
    "endless": "larger than the 1 MB",
    "http://127.0.0.1:9/closed": "Connection refused",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_reported_and_the_next_address_is_tried(server, source, tmp_path, fault):
    source(fault)
    with pytest.raises(DownloadError, match=rf"/{fault.split('/')[-1]}: .*{FAULTS[fault]}") as error:
        download("thing", tmp_path, timeout=0.3)
    assert f"into {tmp_path} and run the same command again" in str(error.value)
    assert files(tmp_path) == []
    source(fault, "redirect", "never")
    assert download("thing", tmp_path / "new" / "folder", timeout=0.3).read_bytes() == CONTENT
    assert server.paths[-1] == "/good" and files(tmp_path) == ["new/folder/thing.bin"]


def test_a_file_in_the_folder_needs_no_connection_unless_it_is_corrupt(server, source, tmp_path):
    path = tmp_path / "thing.bin"
    path.write_bytes(CONTENT)
    source("404")
    assert download("thing", tmp_path) == path and server.paths == []
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(DownloadError, match=r"thing\.bin: its digest is"):
        download("thing", tmp_path)
    assert path.read_bytes() == CONTENT[:-1], "a file of the user is not deleted"
    source("good")
    assert download("thing", tmp_path).read_bytes() == CONTENT


def test_threads_that_download_the_same_archive_do_so_once(server, source, tmp_path):
    source("good", content=ARCHIVE, folder="annotations")
    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(download, ["thing"] * 3, [tmp_path] * 3)) == {tmp_path / "annotations"}
    assert server.paths == ["/good"] and files(tmp_path) == ["annotations/cat/a_1.xml"]


def test_the_command_line(source, tmp_path, monkeypatch, capsys):
    for fault, code in (("good", 0), ("404", 1)):
        monkeypatch.setitem(SOURCES, "alexnet", source(fault))
        assert cli.main(["download", "alexnet", "--out", str(tmp_path / fault)]) == code
    out, error = capsys.readouterr()
    assert out == f"{tmp_path / 'good' / 'thing.bin'}\n"
    assert error.startswith("corrlib: error: alexnet could not be downloaded:\n  http")
    with pytest.raises(SystemExit):
        cli.main(["download", "alexnet", "imagenet", "--out", str(tmp_path)])


def test_without_a_published_digest_that_of_the_first_valid_file_is_recorded(source, tmp_path):
    source("page", "good", content=ARCHIVE, known=False, folder="annotations")
    assert download("thing", tmp_path) == tmp_path / "annotations"
    assert files(tmp_path) == ["annotations/cat/a_1.xml", "thing.bin.sha256"]
    digest = hashlib.sha256(ARCHIVE).hexdigest()
    assert (tmp_path / "thing.bin.sha256").read_text() == f"{digest}  thing.bin\n"
    (tmp_path / "annotations").rename(tmp_path / "moved")
    source("good", content=XML + bytes(1024), known=False, folder="annotations")
    with pytest.raises(DownloadError, match=rf"(?s)expected {digest}.*as recorded in .*thing.bin.sha256"):
        download("thing", tmp_path)
    assert files(tmp_path) == ["moved/cat/a_1.xml", "thing.bin.sha256"]


def test_an_archive_in_the_folder_is_unpacked_once_and_kept(server, source, tmp_path):
    content = XML + member("annotations/cat/a_2.xml", content=b"<b/>") + bytes(1024)
    source("404", content=content, folder="annotations")
    (tmp_path / "thing.bin").write_bytes(content)
    (tmp_path / ".thing.bin.part").mkdir()  # left by a run killed at its end
    for _ in range(2):
        assert download("thing", tmp_path) == tmp_path / "annotations"
        assert files(tmp_path) == ["annotations/cat/a_1.xml", "annotations/cat/a_2.xml", "thing.bin"]
    assert (tmp_path / "annotations/cat/a_2.xml").read_bytes() == b"<b/>" and server.paths == []


def test_the_sources_are_complete(tmp_path):
    with pytest.raises(ValueError, match=r"'imagenet'.*voc2011, keypoints, caffenet, alexnet, torchvision"):
        download("imagenet", tmp_path)
    assert tuple(SOURCES) == cli.DOWNLOADS
    for name, source in SOURCES.items():
        kind, _, digest = source.digest.partition(":")
        assert (len(digest), kind) in ((40, "sha1"), (64, "sha256")) or name == "keypoints"
        assert source.urls[0].endswith(source.file) and len(set(source.urls)) == len(source.urls)
