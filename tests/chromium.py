"""A headless Chromium, spoken to over its own pipe (Chrome DevTools Protocol, messages end in NUL): no driver, no library."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 60.0
# Chromium reads from descriptor 3 and writes to 4; ours are moved out of the way first, since one of them may be 3 or 4 itself.
START = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(read, 3)
os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find() -> str | None:
    """Find a Chromium: the environment variable CHROMIUM, else on PATH."""
    return os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Tab:
    """One page: what it logged, and how to ask it."""

    write: int
    read: int
    session: str = ""
    number: int = 0
    rest: bytes = b""
    logged: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call one method and wait for its answer; events that arrive meanwhile are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params} | ({"sessionId": self.session} if self.session else {})
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result

    def receive(self) -> dict[str, Any]:
        """Read one message; console output, exceptions and requests are written down."""
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.read], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "Chromium did not answer"
            part = os.read(self.read, 1 << 20)
            assert part, "Chromium closed its pipe"
            self.rest += part
        raw, _, self.rest = self.rest.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        self.note(message)
        return message

    def note(self, message: dict[str, Any]) -> None:
        """Keep what a test asks about."""
        method, params = message.get("method", ""), message.get("params", {})
        if method in {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Page.javascriptDialogOpening"}:
            self.logged.append(f"{method}: {json.dumps(params)[:600]}")
        if method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        self.events.append({"method": method})

    def open(self, page: Path, *, width: int, height: int, dark: bool = False) -> None:
        """Open a file in a window of this size and wait until it is loaded."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.receive()

    def value(self, expression: str) -> Any:
        """Evaluate an expression in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def screenshot(self, target: Path) -> None:
        """Write what is seen now as PNG."""
        target.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def press(self, key: str, code: int) -> None:
        """Press and release one key."""
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)


@contextlib.contextmanager
def tab(program: str) -> Iterator[Tab]:
    """Start a Chromium with one empty page; it is ended with everything it started."""
    here_read, there_write = os.pipe()
    there_read, here_write = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-pipe",
            "--disable-dev-shm-usage",
            f"--user-data-dir={profile}",
        ]
        child = subprocess.Popen(
            [sys.executable, "-c", START, str(there_read), str(there_write), program, *options],
            pass_fds=(there_read, there_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there_read)
        os.close(there_write)
        try:
            found = Tab(here_write, here_read)
            target = found.call("Target.createTarget", url="about:blank")["targetId"]
            found.session = found.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            yield found
        finally:
            with contextlib.suppress(OSError):
                os.write(here_write, b'{"id":1000000,"method":"Browser.close"}\0')
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            os.close(here_write)
            os.close(here_read)


def main(argv: list[str]) -> None:
    """Write one screenshot: PAGE PNG WIDTHxHEIGHT [light|dark] [SECTION]."""
    page, target, size = argv[:3]
    width, height = map(int, size.split("x"))
    program = find()
    assert program is not None, "no Chromium on PATH or in CHROMIUM"
    with tab(program) as one:
        one.open(Path(page), width=width, height=height, dark="dark" in argv[3:4])
        if argv[4:]:
            one.value(f"document.getElementById({json.dumps(argv[4])}).scrollIntoView({{behavior: 'instant'}})")
        one.value("new Promise((done) => setTimeout(done, 500))")
        one.screenshot(Path(target))


if __name__ == "__main__":
    main(sys.argv[1:])
