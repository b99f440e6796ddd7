"""A headless browser, driven through the DevTools protocol: what a reader would see and do."""

import itertools
import json
import shutil
import subprocess
import time
import urllib.request

import pytest
import websocket

from corrlib.publishing.book import BROWSERS


class Browser:
    """One page in a headless Chromium; a context manager."""

    def __init__(self, folder):
        self.problems = []
        self._counter = itertools.count(1)
        # As root Chromium starts only without its sandbox; the pages are our own.
        flags = "headless=new no-sandbox disable-gpu disable-dev-shm-usage mute-audio no-first-run"
        flags += " hide-scrollbars remote-allow-origins=* remote-debugging-port=0"
        options = [f"--{flag}" for flag in flags.split()]
        options += [f"--user-data-dir={folder}", "--window-size=1200,900", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        program = next(filter(None, map(shutil.which, BROWSERS)), None)
        if not program:
            pytest.skip(f"pages are not tried in a browser: none of {', '.join(BROWSERS)} is on the PATH")
        self._process = subprocess.Popen([program, *options], **quiet)
        try:
            port = self._wait(lambda: (folder / "DevToolsActivePort").read_text().splitlines()[0])
            pages = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list"))
            (page,) = (page for page in pages if page["type"] == "page")
            self._socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=60)
        except BaseException:
            self._process.kill()
            raise
        for name in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{name}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._process.terminate()
        self._process.wait(timeout=30)

    def _wait(self, ready):
        until = time.monotonic() + 60
        while True:
            try:
                if found := ready():
                    return found
            except (OSError, IndexError):
                pass
            assert time.monotonic() < until, "the browser did not get there in time"
            time.sleep(0.02)

    def call(self, method, **params):
        """Call a method of the protocol; note what the page complains about meanwhile."""
        number = next(self._counter)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv())
            event, said = answer.get("method"), answer.get("params", {})
            wrong = event in ("Runtime.exceptionThrown", "Network.loadingFailed")
            wrong |= event == "Log.entryAdded" and said["entry"]["level"] == "error"
            if event == "Network.requestWillBeSent":
                wrong |= not said["request"]["url"].startswith(("file:", "data:", "about:"))
            self.problems += [said] * wrong
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def open(self, path):
        """Open a file and wait for its scripts."""
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression):
        self._wait(lambda: self.value(expression))

    def mouse(self, x, y, *, kind="mouseMoved", **more):
        """Move the mouse, or press (``mousePressed``) and release its button."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x, y):
        """Click the left button."""
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(x, y, kind=kind, button="left", clickCount=1)

    def key(self, *names, shift=False):
        """Press keys such as ``ArrowLeft``, one after the other."""
        codes = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9, "Enter": 13}
        for name, kind in itertools.product(names, ("keyDown", "keyUp")):
            key = {"key": name, "code": name, "windowsVirtualKeyCode": codes[name]}
            typed = {"text": "\r"} if name == "Enter" and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, modifiers=8 * shift, **key, **typed)
