"""A headless Chromium, driven over its DevTools protocol through two pipes.

It needs a Chromium on the machine and nothing else: no driver, no package, no port. The page's
speed is measured in it, and its tests run in it.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.errors import BenchError

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
NARROW = 800
"""Pixels below which a screen is a telephone's."""
_OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
    *("--disable-extensions", "--disable-background-networking", "--remote-debugging-pipe"),
)
_CODES = {
    **{"/": ("Slash", 191), "Escape": ("Escape", 27), "Enter": ("Enter", 13)},
    **{"ArrowLeft": ("ArrowLeft", 37), "ArrowUp": ("ArrowUp", 38)},
    **{"ArrowRight": ("ArrowRight", 39), "ArrowDown": ("ArrowDown", 40)},
    **{"Home": ("Home", 36), "End": ("End", 35)},
}
"""What a key is called on a keyboard, and its number."""


def find_chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Tab:
    """One tab: it does what it is told, and keeps what its page complained about."""

    def __init__(self, send: int, receive: int) -> None:
        """Talk to a browser through these file descriptors."""
        self._send, self._receive = send, receive
        self._asked, self._rest = 0, b""
        self._session: str | None = None
        self.complaints: list[str] = []
        """Exceptions, and errors and warnings of the console."""
        self.asked_for: list[str] = []
        """Every address that was requested."""

    def open(self) -> None:
        """Open the tab, and listen to what happens in it."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        found = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return what a method of the protocol answers. Raises BenchError: it answers an error."""
        self._asked += 1
        message: dict[str, Any] = {"id": self._asked, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == message["id"]:
                if "error" in answer:
                    raise BenchError(f"Chromium refuses {method}: {answer['error']['message']}")
                return dict(answer["result"])

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self._receive, 1 << 20)
            if not read:
                raise BenchError("Chromium has ended by itself; does it start without this?")
            self._rest += read
        one, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(one)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method: str | None, told: dict[str, Any]) -> None:
        bad = ("error", "warning", "assert")
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and told["type"] in bad:
            self.complaints.append(json.dumps(told["args"]))
        elif method == "Log.entryAdded" and told["entry"]["level"] in bad:
            self.complaints.append(str(told["entry"]["text"]))
        elif method == "Network.requestWillBeSent":
            self.asked_for.append(str(told["request"]["url"]))

    def visit(
        self, page: Path, address: str = "", *, width: int = 1280, dark: bool = False
    ) -> None:
        """Load a page anew, at an address within it, on a screen so many pixels wide."""
        narrow = width < NARROW
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=844 if narrow else 900,
            deviceScaleFactor=1,
            mobile=narrow,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=f"{page.resolve().as_uri()}{address}")
        self.wait("document.readyState === 'complete' && document.querySelector('main')")

    def run(self, program: str) -> Any:
        """Return what a program comes to; a promise is waited for. Raises BenchError: it throws."""
        found = self.call(
            "Runtime.evaluate", expression=program, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise BenchError(f"the page throws: {json.dumps(found['exceptionDetails'])}")
        return found["result"].get("value")

    def wait(self, condition: str, seconds: float = 60) -> None:
        """Wait until a condition holds in the page. Raises BenchError: it does not in time."""
        until = time.monotonic() + seconds
        while not self._holds(condition):
            if time.monotonic() > until:
                raise BenchError(f"{seconds:g} seconds went by without {condition}")
            time.sleep(0.02)

    def _holds(self, condition: str) -> bool:
        try:
            return bool(self.run(f"Boolean({condition})"))
        except BenchError as error:
            if "navigated" in str(error):  # the page has just gone to another file of its own
                return False
            raise

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        code, number = _CODES.get(key, ("", ord(key[0].upper())))
        named = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **named, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def type(self, text: str) -> None:
        """Write a text where the focus is."""
        self.call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click the first element of a selector."""
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def save_picture(self, file: Path) -> None:
        """Write what the screen shows as a PNG."""
        found = self.call("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(found["data"]))


@contextmanager
def open_tab(folder: Path) -> Iterator[Tab]:
    """Yield a tab of a Chromium of its own, with its profile in a folder.

    Raises BenchError: there is no Chromium.
    """
    program = find_chromium()
    if program is None:
        raise BenchError(f"there is no Chromium on the PATH; looked for {', '.join(NAMES)}")
    to_browser, send = os.pipe()
    receive, from_browser = os.pipe()
    # Chromium reads its orders on descriptor 3 and answers on 4.
    shell = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
    process = subprocess.Popen(
        ["bash", "-c", shell, program, *_OPTIONS, f"--user-data-dir={folder}", "about:blank"],
        pass_fds=(to_browser, from_browser),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser)
    os.close(from_browser)
    try:
        tab = Tab(send, receive)
        tab.open()
        yield tab
    finally:
        os.close(send)
        os.close(receive)
        process.terminate()
        process.wait(timeout=60)
