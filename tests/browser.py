"""Debian's Chromium without a window, driven over a pipe by its DevTools protocol: no driver, no port, no network."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
_PATIENCE = 30  # seconds


class Browser:
    """One Chromium with one page."""

    def __init__(self, profile: Path) -> None:
        theirs, self._commands = os.pipe()
        self._answers, answers = os.pipe()

        def place() -> None:  # Chromium reads from descriptor 3 and writes to 4
            ends = [os.dup(theirs), os.dup(answers)]
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self._process = subprocess.Popen(
            [
                str(PROGRAM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={profile}",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            close_fds=False, preexec_fn=place,
        )  # fmt: skip
        os.close(theirs)
        os.close(answers)
        self._number, self._rest, self._session = 0, b"", ""
        self.said: list[str] = []
        page = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def open(self, path: Path, *, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        """Load a file, at the size of a screen, and wait until its charts are drawn; `said` is then of this page."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self.said = []
        self._call("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.documentElement?.dataset.drawn")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + _PATIENCE
        while not self.of(f"Boolean({expression})"):
            assert time.monotonic() < end, f"not true in {_PATIENCE} s: {expression}; the page said {self.said}"
            time.sleep(0.02)

    def of(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, *, code: int) -> None:
        """Press a key."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Save what is seen, or all of the page, as PNG."""
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"clip": {**size, "scale": 1}, "captureBeyondViewport": True} if whole else {}
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", format="png", **clip)["data"]))

    def close(self) -> None:
        """End Chromium."""
        self._process.terminate()
        self._process.wait(_PATIENCE)
        os.close(self._commands)
        os.close(self._answers)

    def _call(self, method: str, **given: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": given}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            self._notice(answer)
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]  # type: ignore[no-any-return]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._answers], [], [], _PATIENCE)
            assert ready, f"Chromium says nothing for {_PATIENCE} s"
            piece = os.read(self._answers, 1 << 20)
            assert piece, f"Chromium has ended: {self._process.poll()}"
            self._rest += piece
        answer, _, self._rest = self._rest.partition(b"\0")
        return json.loads(answer)  # type: ignore[no-any-return]

    def _notice(self, answer: dict[str, Any]) -> None:
        """Keep what the console, the browser's log (violations of the policy) and the network tell."""
        told = answer.get("params", {})
        if answer.get("method") == "Log.entryAdded":
            self.said.append(f"{told['entry']['level']}: {told['entry']['text']}")
        elif answer.get("method") == "Runtime.consoleAPICalled":
            self.said.append(f"{told['type']}: {[one.get('value') for one in told['args']]}")
        elif answer.get("method") == "Runtime.exceptionThrown":
            self.said.append(f"exception: {told['exceptionDetails']}")
        elif answer.get("method") == "Network.requestWillBeSent":
            address = told["request"]["url"]
            if address != told["documentURL"] and not address.startswith("data:"):
                self.said.append(f"request: {address}")
