"""The examples of docs/how-to.md do what the page says, as written; and no document names a command that does not exist."""

from __future__ import annotations

import json
import re
import shlex
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest
import typer
import yaml

from dlt_sources._steps.declared import own_code
from dlt_sources.door import load_sources
from runtime.commands import app
from tests import forks
from tests.dlt_sources.judging import judge
from tests.harness import ROOT, Pipeline
from tests.project import SQLMESH
from tests.small import own_checkout
from tests.test_whole_hour import MINUTES

HOW_TO = ROOT / "docs" / "how-to.md"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "dlt_sources").glob("*/README.md"))]
EXAMPLES = {"DAY": "2026-01-01", "SOURCE": "sales", "SECONDS": "5", "URI": "s3://bucket/file.csv", "FILE": "orders.csv"}
"""What the documents write for a word of the reader's own."""
ORDERS = [
    {"order_id": n, "email": f"p{n}@example.com", "total": f"{n}.50", "ordered_at": f"2026-01-{n:02}T10:00:00"}
    for n in range(1, 6)
] + [{"order_id": 6, "email": "p6@example.com", "total": "-1", "ordered_at": "2026-01-06T10:00:00"}]


def fences(language: str) -> list[str]:
    """The page's blocks of a language, without what indents them."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", HOW_TO.read_text(encoding="utf-8"), re.M | re.S)
    return [re.sub(rf"(?m)^{indent}", "", text) for indent, text in found]


class Shop(BaseHTTPRequestHandler):
    """The API that the page's source.yml describes: orders of a span of days, two a page."""

    def do_GET(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        found = [o for o in ORDERS if asked["from"] <= str(o["ordered_at"])[:10] <= asked["to"]]
        page = int(asked.get("page", 0))
        first = 0 if page < 1 else page - 1 if "page" not in asked else page
        body = json.dumps({"data": found[2 * first : 2 * first + 2], "pages": (len(found) + 1) // 2}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shop_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.slow
def test_the_source_of_the_page_runs_as_written(tmp_path: Path, shop_url: str) -> None:
    project = own_checkout(tmp_path / "project")
    folder = project / "dlt_sources" / "shop"
    folder.mkdir()
    (folder / "source.yml").write_text(fences("yaml")[0])
    (folder / "contract.py").write_text(fences("python")[0])
    environment = Pipeline(tmp_path / "data", {"ELT_SHOP_URL": shop_url}).environment

    def command(*words: str) -> str:
        done = forks.run(words, project, environment | {"PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    (project / "docs" / "reference").mkdir(parents=True)
    command("-m", "dlt_sources.derive")
    assert "landed 6 rows · accepted 5" in command("runner.py", "run", "shop")
    assert "greater_than_equal" in command("runner.py", "rejected", "shop")
    own = project / "soda_checks" / "staging" / "shop" / "orders.yml"
    own.parent.mkdir(parents=True)
    own.write_text(next(text for text in fences("yaml") if text.startswith("checks:")))
    assert "nobody orders twice" in command("runner.py", "check", "shop", "--json")
    assert Pipeline(tmp_path / "data", {}).query("SELECT order_id, total FROM stg_shop.orders ORDER BY 1")[0][0] == 1
    of_shop = [line for line in commands(HOW_TO) if re.search(r"\bshop\b|\bstg_shop\b", line)]
    for line in [line for line in of_shop if " new shop " not in line]:  # tests/test_new_source.py makes sources
        command(*shlex.split(line)[1:])
    assert Pipeline(tmp_path / "data", {}).query("SELECT count(*) FROM stg_shop.orders") == [(5,)]

    models = project / "sqlmesh_project"
    model, audit = fences("sql")
    (models / "models" / "shop_gold" / "daily_orders.sql").write_text(model)
    (models / "audits" / "no_day_before.sql").write_text(audit)
    test = next(text for text in fences("yaml") if text.startswith("test_shop_gold_daily_orders:"))
    (models / "tests" / "test_shop_gold_daily_orders.yaml").write_text(test)
    of_gold = project / "soda_checks" / "gold" / "shop_gold" / "daily_orders.yml"
    of_gold.parent.mkdir(exist_ok=True)
    of_gold.write_text(next(text for text in fences("yaml") if text.startswith("dataset:")))
    for words in (["format", "--check"], ["lint"], ["test"]):
        command("-c", SQLMESH, "-p", "sqlmesh_project", *words)
    command("runner.py", "plan")
    checked = "SELECT outcome FROM ops.check_results WHERE check_name = 'the days add up to the orders'"
    assert Pipeline(tmp_path / "data", {}).query(checked, "serving.duckdb") == [("passed",)]
    for line in [line for line in commands(HOW_TO) if "shop_gold" in line and line not in of_shop]:
        command(*shlex.split(line)[1:])
    assert (project / "soda_checks/gold/shop_gold/orders.yml").exists()
    assert (project / "superset/assets/dashboards/shop_gold_orders.yaml").exists()
    days = Pipeline(tmp_path / "data", {}).query(
        "SELECT count(*), sum(total) FROM shop_gold.daily_orders", "serving.duckdb"
    )
    assert [tuple(map(float, row)) for row in days] == [(5, 17.5)]
    [drawn] = [line for line in fences("sh") if " dag " in line]
    command("-c", SQLMESH, *shlex.split(drawn)[1:])
    assert "shop_gold.daily_orders" in (project / "lineage.html").read_text().replace('\\"', "")


def test_the_contract_of_the_page_says_what_the_page_says(tmp_path: Path) -> None:
    page = tmp_path / "shop" / "contract.py"
    page.parent.mkdir()
    page.write_text(fences("python")[1])
    contract = own_code.load(page).Payment
    records = [
        {"payment_id": 1, "currency": "EUR", "reference": " ab ", "cents": -15000, "parts": [1]},
        {"payment_id": 2, "currency": "GBP", "reference": "a", "cents": 5, "parts": [1]},
        {"payment_id": 3, "currency": "EUR", "reference": "a", "cents": 7, "parts": [1]},
        {"payment_id": 4, "currency": "EUR", "reference": "a", "cents": 5, "parts": []},
    ]
    accepted, rejected, _ = judge(
        tmp_path / "work", contract, pa.table({"_payload": [json.dumps(record) for record in records]})
    )  # type: ignore[arg-type]
    assert [(row["reference"], row["cents"], row["is_large"]) for row in accepted.values()] == [("AB", 15000, True)]
    assert {n: row["field"] for n, row in rejected.items()} == {1: "currency", 2: "cents", 3: "parts"}


def test_the_validators_of_the_page_say_what_the_page_says(tmp_path: Path) -> None:
    page = tmp_path / "shop" / "contract.py"
    page.parent.mkdir()
    page.write_text(fences("python")[2])
    contract = own_code.load(page).Booking
    days = {"begins": "2026-01-02", "ends": "2026-01-03"}
    records = [
        {"booking_id": 1, "guests": "two", **days},
        {"booking_id": 2, "guests": 4, **days},
        {"booking_id": 3, "guests": "many", **days},
        {"booking_id": 4, "guests": 1, "begins": "2026-01-02", "ends": "2026-01-01"},
    ]
    accepted, rejected, _ = judge(
        tmp_path / "work", contract, pa.table({"_payload": [json.dumps(record) for record in records]})
    )  # type: ignore[arg-type]
    assert [row["guests"] for row in accepted.values()] == [2, 4]
    assert rejected[2]["field"] == "guests" and "it ends before it begins" in rejected[3]["message"]


def test_the_logins_of_the_page_are_keys_of_a_source(tmp_path: Path) -> None:
    """Each that is written as YAML, in the page's own source.yml."""
    written = re.findall(r"`(connection|endpoint): ([^`]+)`", text_below(HOW_TO, "### Logins"))
    of_apis = [(place, text) for place, text in written if not text.startswith("url:")]
    assert len(of_apis) == 5
    for number, (place, text) in enumerate(of_apis):
        content = yaml.safe_load(fences("yaml")[0])
        holder = content["connection"] if place == "connection" else content["tables"]["orders"]["endpoint"]
        holder |= yaml.safe_load(text)
        folder = tmp_path / f"{number}" / "shop"
        folder.mkdir(parents=True)
        (folder / "source.yml").write_text(yaml.safe_dump(content))
        (folder / "contract.py").write_text(fences("python")[0])
        [setting] = re.findall(r"\$\{\w+\}", text)
        assert setting in str(load_sources(folder.parent)["shop"].declared)


def text_below(page: Path, heading: str) -> str:
    """What is below a heading, up to the next."""
    return re.split(r"^#", page.read_text(encoding="utf-8").split(f"{heading}\n")[1], flags=re.M)[0]


def test_the_questions_of_the_first_week_lead_to_sections_of_the_page_in_their_order() -> None:
    text = HOW_TO.read_text(encoding="utf-8")
    table, rest = text.split("\n## ", 1)
    headings = [
        re.sub(r"[^\w\- ]", "", found.lower()).replace(" ", "-")
        for found in re.findall(r"^##+ (.*)$", "## " + rest, re.M)
    ]
    places = [headings.index(anchor) for anchor in re.findall(r"\(#([^)]+)\)", table)]
    assert len(places) > 10 and places == sorted(places)


def test_the_steps_of_the_first_hour_are_those_that_are_measured() -> None:
    """In their order; all of them together take what the page says, and no more than the test allows."""
    measured = (ROOT / "tests" / "test_whole_hour.py").read_text(encoding="utf-8")
    text = text_below(HOW_TO, "### What the first hour costs")
    rows = re.findall(r"^\| (.*) \| (\d+) \| (\d+) \|$", text, re.M)
    assert [name for name, _, _ in rows] == re.findall(r'clock\.step\("(.*)"\)', measured)
    [minutes] = re.findall(r"([\d.]+) minutes of CPU time", text)
    assert float(minutes) == round(sum(int(cpu) for _, cpu, _ in rows) / 60, 1) < MINUTES


def commands(page: Path) -> list[str]:
    """Every `python runner.py ...` of a page, without comments and what stands for something else."""
    found = re.findall(r"python runner\.py[^`\n#|]*", page.read_text(encoding="utf-8"))
    lines = [re.split(r"  +|  ?\(|,$", line.strip())[0].strip(" .;") for line in found]
    return list(dict.fromkeys(line for line in lines if "..." not in line))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_the_documents_is_one(page: Path) -> None:
    whole = typer.main.get_command(app)
    for line in commands(page):
        words = [
            EXAMPLES.get(word, word) for word in shlex.split(line)[2:] if word not in ("--help", "-h", "--version")
        ]
        level, context = whole, whole.make_context("runner.py", [], resilient_parsing=True)
        while words and hasattr(level, "get_command") and not words[0].startswith("-"):
            found = level.get_command(context, words[0])
            assert found is not None, f"{page.name}: {line}: no command {words[0]}"
            level, words = found, words[1:]
        if words or level is not whole:
            level.make_context(line, words, parent=context)
