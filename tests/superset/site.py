"""A running Superset as its users meet it: the command that serves it, a session of its API, a browser."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import requests
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, Response, sync_playwright

from superset.derive import ASSETS
from superset.scripts import files
from tests import needs
from tests.harness import ROOT, Pipeline
from tests.superset import browser

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
HEIGHT = 2600  # of the window: no chart waits below the fold
PIXEL = "apachesuperset.gateway.scarf.sh"
"""Superset's own telemetry, which is built into its pages; the content security policy stops it, and the console says so."""

READY = """() => [...document.querySelectorAll('[data-test-chart-id]')].filter(c => c.offsetParent).map(c => ({
  name: c.dataset.testChartName, kind: c.dataset.testVizType, id: Number(c.dataset.testChartId),
  wrong: [...c.querySelectorAll('[role=alert]')].map(e => e.textContent).join(' ')
         + (c.querySelector('.ant-empty') ? 'No results' : ''),
  full: ({table: c.querySelectorAll('tbody tr').length, pivot_table_v2: c.querySelectorAll('tbody tr').length,
          big_number_total: (c.querySelector('.header-line')?.innerText ?? '').length,
          world_map: c.querySelectorAll('path.datamaps-subunit').length,
         }[c.dataset.testVizType] ?? c.querySelectorAll('canvas').length) > 0
        && !c.querySelector('[data-test=loading-indicator]')
        && [...c.querySelectorAll('canvas')].every(
             e => e.getBoundingClientRect().right <= c.getBoundingClientRect().right + 1)}))"""
"""The visible charts: full when there is something in them, it has stopped loading and none of it is cut off."""


@dataclass
class Site:
    """A served Superset.

    Attributes:
        url: where it is.
        said: what the command printed when it was ready.
        pipeline: whose published data it shows.
    """

    url: str
    said: str
    pipeline: Pipeline

    @property
    def password(self) -> str:
        return (self.pipeline.folder / "superset" / "admin_password").read_text()

    def session(self, user: str = "admin", password: str = "") -> Api:
        """Sign in as a person does, through the form."""
        return Api(self.url, user, password or self.password)

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """``python runner.py dashboards ARGUMENTS`` beside the server."""
        return subprocess.run(
            [sys.executable, "runner.py", "dashboards", *arguments],
            cwd=ROOT,
            env=_environment(self.pipeline) | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def log(self) -> str:
        """What the server said."""
        return (self.pipeline.folder / "superset" / "server.log").read_text()


class Api:
    """Superset's API with the session of one user."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url, self.http = url, requests.Session()
        page = self.http.get(f"{url}/login/", timeout=60).text
        token = re.search(r'"csrf_token": "([^"]+)"|name="csrf_token"[^>]*value="([^"]+)"', page.replace("&#34;", '"'))
        assert token, "no token in the form"
        form = {"username": user, "password": password, "csrf_token": token.group(1) or token.group(2)}
        self.http.post(f"{url}/login/", data=form, timeout=60)
        answer = self.get("security/csrf_token/")
        self.signed_in = answer.status_code == 200
        if self.signed_in:
            self.http.headers["X-CSRFToken"] = answer.json()["result"]
            self.http.headers["Referer"] = url

    def get(self, path: str) -> requests.Response:
        """GET /api/v1/PATH."""
        return self.http.get(f"{self.url}/api/v1/{path}", timeout=60)

    def send(self, method: str, path: str, content: Any) -> requests.Response:
        """POST or PUT JSON to /api/v1/PATH."""
        return self.http.request(method, f"{self.url}/api/v1/{path}", json=content, timeout=60)

    def all(self, kind: str, *columns: str) -> list[dict[str, Any]]:
        """Every chart, dashboard or dataset this user sees."""
        answer = self.get(f"{kind}/?q=(page_size:200,columns:!({','.join(('id', *columns))}))")
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def dataset(self, name: str) -> int:
        """The id of a dataset named ``schema.table``."""
        found = {f"{d['schema']}.{d['table_name']}": d["id"] for d in self.all("dataset", "schema", "table_name")}
        return found[name]

    def query(self, dataset: str | int, metrics: list[str], columns: list[str] | None = None) -> requests.Response:
        """What a chart asks: metrics of a dataset, by columns."""
        number = dataset if isinstance(dataset, int) else self.dataset(dataset)
        query = {"metrics": metrics, "columns": columns or [], "row_limit": 1000}
        content = {"datasource": {"id": number, "type": "table"}, "queries": [query], "force": True}
        return self.send("POST", "chart/data", content)


def _environment(pipeline: Pipeline) -> dict[str, str]:
    return {
        **os.environ,
        **pipeline.environment,
        "ELT_DATA_DIR": str(pipeline.folder),
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }


@contextmanager
def served(pipeline: Pipeline, *options: str, root: Path = ROOT) -> Iterator[Site]:
    """``python runner.py dashboards serve`` until the block ends, in this checkout or another."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    out = pipeline.folder.parent / "serve.txt"
    command = [sys.executable, "-u", "runner.py", "dashboards", "serve", "--port", str(port), *options]
    with out.open("w") as file:
        process = subprocess.Popen(command, cwd=root, env=_environment(pipeline), stdout=file, stderr=file)
    try:
        deadline = time.monotonic() + 400
        while "Ctrl-C" not in out.read_text():
            assert process.poll() is None and time.monotonic() < deadline, out.read_text()
            time.sleep(0.2)
        yield Site(f"http://127.0.0.1:{port}", out.read_text(), pipeline)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, out.read_text()
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)), "the server outlived the command that served it"


@dataclass
class Reader:
    """Somebody who reads dashboards in a browser. Remembers what went wrong and what every chart got.

    Attributes:
        faults: error boxes, empty charts, failed requests, console errors, requests that left for the internet.
        answers: newest answer per chart id.
    """

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(60_000)
        self.page.on("response", self._answered)
        self.page.on("console", lambda m: self._fault(m.type == "error" and PIXEL not in m.text, f"console: {m.text}"))
        self.page.on("pageerror", lambda error: self._fault(True, f"script: {error}"))
        self.page.on(
            "request",
            lambda r: self._fault(
                not r.url.startswith((self.url, "data:", "blob:", f"https://{PIXEL}")), f"left: {r.url}"
            ),
        )

    def sign_in(self, user: str, password: str) -> None:
        """Through the form."""
        self.page.goto(f"{self.url}/login/", wait_until="networkidle")  # before, its scripts would empty the form again
        self.page.fill("#username", user)
        self.page.fill("#password", password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/superset/welcome/**")

    def tabs(self, dashboard: files.Document, width: int) -> Iterator[str]:
        """Open a dashboard and each of its tabs at a width; yields the tab when all of its charts show something.

        What does not within a minute, or says that it is empty or broken, is a fault.
        """
        self.page.set_viewport_size({"width": width, "height": HEIGHT})
        self.page.goto(f"{self.url}/superset/dashboard/{dashboard['slug']}/")
        for tab, titles in layout(dashboard).items():
            self.tab(tab)
            self.check(f"{dashboard['slug']}/{tab}", len(titles))
            yield tab

    def tab(self, name: str) -> None:
        """Click a tab of the open dashboard; one without a name is there already."""
        if name:
            self.page.locator('[data-test="dashboard-component-tabs"] [role=tab]', has_text=name).first.click()

    def resize(self, width: int) -> None:
        """Make the window narrower or wider; the charts draw themselves again."""
        self.page.set_viewport_size({"width": width, "height": HEIGHT})
        self.page.wait_for_timeout(300)

    def check(self, where: str, count: int) -> None:
        """Wait for the visible charts, of which there have to be `count`; what is wrong with them is a fault."""
        charts = self.wait(count)
        for chart in charts:
            self._fault(bool(chart["wrong"]), f"{where}: {chart['name']}: {chart['wrong']}")
            self._fault(not chart["full"], f"{where}: {chart['name']} shows nothing")
        self._fault(len(charts) != count, f"{where}: {len(charts)} of {count} charts")

    def wait(self, count: int, seconds: float = 60) -> list[dict[str, Any]]:
        """The visible charts once there are `count` and each shows something or says what is wrong; or as they are then."""
        deadline = time.monotonic() + seconds
        while True:
            charts: list[dict[str, Any]] = self.page.evaluate(READY)
            if len(charts) == count and all(chart["full"] or chart["wrong"] for chart in charts):
                return charts
            if time.monotonic() > deadline:
                return charts
            self.page.wait_for_timeout(200)

    def hear(self, charts: Iterable[int], seconds: float = 20) -> None:
        """Wait until the browser has handed over the answers of these charts: one may show its own a moment before."""
        wanted, deadline = set(charts), time.monotonic() + seconds
        while wanted - self.answers.keys() and time.monotonic() < deadline:
            self.page.wait_for_timeout(100)

    def choose(self, name: str, value: str) -> None:
        """Choose a value in a filter of the dashboard and apply it."""
        box = self.page.locator("form .ant-form-item", has=self.page.locator("h4", has_text=re.compile(f"^{name}$")))
        box.locator(".ant-select").first.click()
        self.page.keyboard.type(value)
        self.page.locator(f'.ant-select-item-option[title="{value}"]:visible').first.click()
        self.page.keyboard.press("Escape")
        self.answers.clear()
        self.page.locator('[data-test="filter-bar__apply-button"]').click()

    def _answered(self, response: Response) -> None:
        if "/chart/data" not in response.url and "/explore_json/" not in response.url:
            return
        if response.status != 200:
            self._fault(True, f"{response.status}: {response.text()[:300]}")
            return
        form = parse_qs(urlparse(response.url).query).get("form_data")
        if form and "slice_id" in (chart := json.loads(form[0])):
            with contextlib.suppress(PlaywrightError):  # the page was left before its answer was read
                self.answers[chart["slice_id"]] = response.json()

    def _fault(self, wrong: bool, text: str) -> None:
        if wrong:
            self.faults.append(text)


@contextmanager
def reading(url: str) -> Iterator[Reader]:
    """A browser window; without a browser the test is skipped."""
    executable = browser.find() or needs.lack(browser.LACK, browser.COMMAND, strict=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=FLAGS.split())
        try:
            yield Reader(chromium.new_page(viewport={"width": 1440, "height": HEIGHT}), url)
        finally:
            chromium.close()


def layout(dashboard: files.Document) -> dict[str, list[str]]:
    """The charts of each tab, by UUID; one tab without a name where there are none."""
    position, found = dashboard["position"], {}

    def charts(part: str) -> list[str]:
        here = position[part]
        return (
            [here["meta"]["uuid"]]
            if here["type"] == "CHART"
            else [c for child in here["children"] for c in charts(child)]
        )

    for part in position.values():
        if isinstance(part, dict) and part["type"] == "TABS":
            for tab in part["children"]:
                found[position[tab]["meta"]["text"]] = charts(tab)
    return found or {"": charts("GRID_ID")}


@cache
def dashboards() -> list[files.Document]:
    """Every dashboard's document, from the files."""
    return [document for name, document in files.read(ASSETS).items() if name.startswith("dashboards/")]


@cache
def charts() -> dict[str, tuple[str, files.Document]]:
    """Every chart's (file stem, document) by UUID, from the files."""
    found = {name: document for name, document in files.read(ASSETS).items() if name.startswith("charts/")}
    return {document["uuid"]: (Path(name).stem, document) for name, document in found.items()}
