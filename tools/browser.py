"""A page in headless Chromium, driven by the DevTools protocol over a pipe. Needs Python's standard library alone."""
import base64
import fcntl
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class BrowserError(Exception):
    """What the browser refused, or did not do in time."""


def find_browser():
    """The path of a Chromium, or None; PISR_BROWSER names another."""
    wanted = os.environ.get("PISR_BROWSER")
    return shutil.which(wanted) if wanted else next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One page. `with Page() as page:` starts the browser and ends it."""

    def __init__(self, program=None, timeout=60):
        self.program = program or find_browser()
        if self.program is None:
            raise BrowserError("no Chromium: tools/install_deps.sh installs it")
        self.timeout = timeout
        self.errors = []  # exceptions, console errors and failed loads, one line each
        self._number = 0
        self._bytes = b""
        self._session = None
        self._loaded = False

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        # Chromium reads from descriptor 3 and writes to 4; ours are far above, so that none is in the way.
        to_browser, from_browser = os.pipe(), os.pipe()
        ours = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in (*to_browser, *from_browser)]
        for end in (*to_browser, *from_browser):
            os.close(end)
        read_end, self._output, self._input, write_end = ours
        options = ["--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                   "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions", "--force-color-profile=srgb",
                   f"--user-data-dir={self._folder.name}"]
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{read_end} 4>&{write_end}', self.program, *options, "about:blank"],
            pass_fds=(read_end, write_end), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        os.close(read_end)
        os.close(write_end)
        try:
            target = self.send("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.send(domain + ".enable")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        os.close(self._output)  # the end of its input ends the browser
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait()
        os.close(self._input)
        for _ in range(20):  # helpers of the browser may still write there
            try:
                self._folder.cleanup()
                break
            except OSError:
                time.sleep(0.1)

    def _receive(self, deadline):
        while b"\0" not in self._bytes:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._input], [], [], left)[0]:
                raise BrowserError(f"the browser did not answer within {self.timeout} s")
            read = os.read(self._input, 1 << 20)
            if not read:
                raise BrowserError("the browser ended")
            self._bytes += read
        message, self._bytes = self._bytes.split(b"\0", 1)
        return json.loads(message)

    def _notice(self, message):
        method, values = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = values["exceptionDetails"]
            self.errors.append(f"exception: {details.get('exception', {}).get('description', details['text'])}")
        elif method == "Runtime.consoleAPICalled" and values["type"] in ("error", "assert", "warning"):
            self.errors.append(f"console: {[part.get('value', part.get('description')) for part in values['args']]}")
        elif method == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
            self.errors.append(f"log: {values['entry']['text']}")
        elif method == "Network.loadingFailed":
            self.errors.append(f"failed to load: {values['errorText']}")
        elif method == "Page.loadEventFired":
            self._loaded = True

    def send(self, method, **values):
        """Calls a method of the protocol and returns its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": values}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._output, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + self.timeout
        while True:
            answer = self._receive(deadline)
            if answer.get("id") != self._number:
                self._notice(answer)
            elif "error" in answer:
                raise BrowserError(f"{method}: {answer['error']['message']}")
            else:
                return answer["result"]

    def evaluate(self, expression):
        """The value of a JavaScript expression, which may be a promise, as JSON has it."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise BrowserError(f"{expression}: {details.get('exception', {}).get('description', details['text'])}")
        return result["result"].get("value")

    def resize(self, width, height=900, density=1):
        """Sizes in CSS pixels; `density` device pixels to one of them."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=density, mobile=width < 600)

    def dark(self, dark=True):
        """Whether the reader prefers dark colours."""
        self.send("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def scripts(self, run):
        """Whether scripts of pages run, from the next open() on."""
        self.send("Emulation.setScriptExecutionDisabled", value=not run)

    def open(self, path):
        """Loads a file and waits for it."""
        self._loaded = False
        result = self.send("Page.navigate", url=pathlib.Path(path).resolve().as_uri())
        if result.get("errorText"):
            raise BrowserError(f"{path}: {result['errorText']}")
        deadline = time.monotonic() + self.timeout
        while not self._loaded:
            self._notice(self._receive(deadline))

    def settle(self):
        """Waits for two frames, in which the page draws what it has to."""
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))")

    def mouse(self, kind, x, y, buttons=0):
        """A real event: kind is "mousePressed", "mouseMoved" or "mouseReleased"; x and y in the window."""
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, buttons=buttons, clickCount=0 if kind == "mouseMoved" else 1,
                  button="none" if kind == "mouseMoved" and not buttons else "left")

    def click(self, x, y):
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, buttons=1)
        self.mouse("mouseReleased", x, y)

    def key(self, name):
        """A key that writes nothing, e.g. "ArrowLeft", pressed and released."""
        codes = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "Tab": 9}
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=codes[name])

    def screenshot(self, path, whole=True, clip=None):
        """Writes a PNG of the whole page, of a part {"x", "y", "width", "height"}, or of the window."""
        values = {"format": "png", "captureBeyondViewport": whole or clip is not None}
        if clip is None and whole:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"]}
        if clip is not None:
            values["clip"] = {**clip, "scale": 1}
        pathlib.Path(path).write_bytes(base64.b64decode(self.send("Page.captureScreenshot", **values)["data"]))
