"""A WebDriver client of the standard library: Debian's chromium, headless, through its chromedriver.

    with Browser(folder) as browser:
        browser.open("report.html")
        browser.script("return document.title")

Commands are those of the W3C recommendation; logs and DevTools commands are chromedriver's own. One browser serves all
pages of a test; nothing of it is left behind."""
import base64
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
COMMAND_S = 60
# https://www.w3.org/TR/webdriver2/#keyboard-actions
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Space": " ", "PageUp": "\ue00e", "PageDown": "\ue00f",
        "End": "\ue010", "Home": "\ue011", "Left": "\ue012", "Up": "\ue013", "Right": "\ue014", "Down": "\ue015",
        "Shift": "\ue008"}


class Missing(Exception):
    """A program that is not installed."""


class Failed(Exception):
    """A command that the browser refused."""


def find(names):
    for name in names:
        if path := shutil.which(name):
            return path
    raise Missing(" or ".join(names))


class Element(str):
    """The name of an element of the page that is open."""


class Browser:
    def __init__(self, folder, width=1400, height=1000):
        """Relative paths are below `folder`."""
        self.folder = pathlib.Path(folder).resolve()
        self.chromium = find(["chromium", "chromium-browser", "google-chrome"])
        self.chromedriver = find(["chromedriver", "chromium.chromedriver"])
        self.size = (width, height)
        self.home = tempfile.mkdtemp(prefix="headroom-browser-")
        self.driver = self.session = None

    # ---- life ----

    def __enter__(self):
        try:
            self._start_driver()
            self._start_session()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _start_driver(self):
        log = pathlib.Path(self.home, "chromedriver.log")
        with open(log, "wb") as out:
            # What either writes goes to a folder of its own, which is removed.
            environment = os.environ | {"HOME": self.home, "TMPDIR": self.home, "XDG_CONFIG_HOME": self.home,
                                        "XDG_CACHE_HOME": self.home}
            self.driver = subprocess.Popen([self.chromedriver, "--port=0"], stdin=subprocess.DEVNULL, stdout=out,
                                           stderr=subprocess.STDOUT, env=environment, start_new_session=True)
        end = time.monotonic() + COMMAND_S
        while time.monotonic() < end and self.driver.poll() is None:
            if found := re.search(r"started successfully on port (\d+)", log.read_text(errors="replace")):
                self.address = f"http://127.0.0.1:{found.group(1)}"
                return
            time.sleep(0.02)
        raise Failed(f"chromedriver did not start: {log.read_text(errors='replace')}")

    def _start_session(self):
        width, height = self.size
        arguments = ["--headless=new", f"--user-data-dir={self.home}/profile", "--disable-dev-shm-usage", "--disable-gpu",
                     f"--window-size={width},{height}", "--hide-scrollbars", "--force-device-scale-factor=1",
                     "--no-first-run", "--disable-extensions", "--disable-background-networking",
                     "--no-sandbox",  # there is none in many a container, and the pages are our own
                     # No name has an address: what a page asked of the network would fail, and be seen.
                     "--host-resolver-rules=MAP * ~NOTFOUND"]
        options = {"browserName": "chrome",
                   "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                   "goog:chromeOptions": {"binary": self.chromium, "args": arguments}}
        self.session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": options}})["sessionId"]
        # Run before anything of a page.
        self.devtools("Page.addScriptToEvaluateOnNewDocument", source="""
            window.pageFaults = [];
            addEventListener("error", e => pageFaults.push("error: " + (e.message || (e.target && e.target.outerHTML))), true);
            addEventListener("unhandledrejection", e => pageFaults.push("rejection: " + e.reason));
            addEventListener("securitypolicyviolation",
                             e => pageFaults.push("CSP violation: " + e.violatedDirective + " " + e.blockedURI));""")

    def close(self):
        if self.session:
            try:
                self._call("DELETE", f"/session/{self.session}")
            except (Failed, OSError):
                pass  # it is killed
        if self.driver:
            self.driver.terminate()
            try:
                self.driver.wait(10)
            except subprocess.TimeoutExpired:
                self.driver.kill()
                self.driver.wait()
        self._kill_rest()
        shutil.rmtree(self.home, ignore_errors=True)
        self.session = self.driver = None

    def processes(self):
        """Those that have our folder in their command line."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes()
            except OSError:
                continue  # ended meanwhile
            if self.home.encode() in words and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
        return found

    def _kill_rest(self):
        end = time.monotonic() + 5
        while (left := self.processes()) and time.monotonic() < end:
            time.sleep(0.05)
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass

    # ---- commands ----

    def _call(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=COMMAND_S) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.loads(error.read())["value"]
            raise Failed(f"{path.rsplit('/', 1)[-1]}: {value['error']}: {value['message'].splitlines()[0]}") from None

    def post(self, command, **body):
        return self._call("POST", f"/session/{self.session}/{command}", body)

    def get(self, command):
        return self._call("GET", f"/session/{self.session}/{command}")

    def devtools(self, command, **parameters):
        return self.post("goog/cdp/execute", cmd=command, params=parameters)

    def url(self, path):
        return (self.folder / path).as_uri()

    def open(self, path):
        """A file, as a double click on it does; logs of pages before are dropped."""
        self.log("browser"), self.log("performance")
        self.post("url", url=self.url(path))

    def script(self, text, *arguments):
        """The body of a function; elements among the arguments and in the value."""
        return unwrap(self.post("execute/sync", script=text, args=[wrap(argument) for argument in arguments]))

    def settle(self):
        """Until what was asked for is on the screen."""
        self.post("execute/async", args=[], script="""
            const done = arguments[0];
            requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)));""")

    def elements(self, selector):
        return [unwrap(found) for found in self.post("elements", using="css selector", value=selector)]

    def element(self, selector):
        return unwrap(self.post("element", using="css selector", value=selector))

    def name(self, element):
        """As a screen reader says it."""
        return self.get(f"element/{element}/computedlabel")

    def role(self, element):
        return self.get(f"element/{element}/computedrole")

    def log(self, kind):
        return self.post("se/log", type=kind)

    def requests(self):
        """Addresses that the page asked for, since it was opened."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]

    def offline(self, is_off):
        self.devtools("Network.emulateNetworkConditions", offline=is_off, latency=0, downloadThroughput=-1,
                      uploadThroughput=-1)

    # ---- looks ----

    def media(self, media="", **features):
        """What CSS sees: media("print"), media(prefers_color_scheme="dark")."""
        self.devtools("Emulation.setEmulatedMedia", media=media,
                      features=[{"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

    def resize(self, width, height=1000):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path, whole=True):
        if whole:
            height = self.script("return Math.ceil(document.documentElement.getBoundingClientRect().height)")
            width = self.script("return innerWidth")
            picture = self.devtools("Page.captureScreenshot", captureBeyondViewport=True, optimizeForSpeed=True,
                                    clip={"x": 0, "y": 0, "width": width, "height": min(height, 16000), "scale": 1})["data"]
        else:
            picture = self.get("screenshot")
        pathlib.Path(path).write_bytes(base64.b64decode(picture))

    def pdf(self):
        return base64.b64decode(self.post("print", background=True, page={"width": 21.0, "height": 29.7}))

    # ---- hands ----

    def act(self, *sources):
        self.post("actions", actions=list(sources))

    def press(self, *keys, shift=False):
        events = []
        for key in keys:
            value = KEYS.get(key, key)
            events += [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        if shift:
            events = [{"type": "keyDown", "value": KEYS["Shift"]}, *events, {"type": "keyUp", "value": KEYS["Shift"]}]
        self.act({"type": "key", "id": "keyboard", "actions": events})

    def centre(self, element):
        """Of an element, brought into view: what the window shows of it. CSS pixels."""
        return self.script("""
            arguments[0].scrollIntoView({block: "center", inline: "nearest", behavior: "instant"});
            const r = arguments[0].getBoundingClientRect();
            return [r.left + r.width / 2, r.top + r.height / 2, r.width, r.height];""", element)

    def point(self, element, x_share=0.5, y_share=0.5):
        x, y, width, height = self.centre(element)
        return round(x + (x_share - 0.5) * width), round(y + (y_share - 0.5) * height)

    def _pointer(self, *events):
        self.act({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": list(events)})

    def hover(self, element, x_share=0.5, y_share=0.5):
        x, y = self.point(element, x_share, y_share)
        self._pointer(move(x - 1, y), move(x, y))

    def rest(self):
        """The mouse in the corner of the window, where nothing is, also when the page moves below it."""
        self._pointer(move(0, 0))
        self.settle()

    def click(self, element, x_share=0.5, y_share=0.5, times=1):
        x, y = self.point(element, x_share, y_share)
        self._pointer(move(x, y), *[{"type": kind, "button": 0} for _ in range(times)
                                    for kind in ("pointerDown", "pointerUp")])

    def drag(self, element, x_from, x_to, y_share=0.5):
        """Along a chart, by shares of its width."""
        x, y = self.point(element, x_from, y_share)
        to, _ = self.point(element, x_to, y_share)
        steps = [move(round(x + (to - x) * share), y, 20) for share in (0.25, 0.5, 0.75, 1)]
        self._pointer(move(x, y), {"type": "pointerDown", "button": 0}, *steps, {"type": "pointerUp", "button": 0})


def move(x, y, milliseconds=0):
    return {"type": "pointerMove", "x": x, "y": y, "duration": milliseconds, "origin": "viewport"}


def wrap(value):
    return {ELEMENT: str(value)} if isinstance(value, Element) else value


def unwrap(value):
    if isinstance(value, list):
        return [unwrap(item) for item in value]
    if isinstance(value, dict):
        return Element(value[ELEMENT]) if ELEMENT in value else {key: unwrap(item) for key, item in value.items()}
    return value
