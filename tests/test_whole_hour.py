"""The first hour with Millrace, in one checkout, as a person types it: from the demo to a project without samples.

At its end the fast tests run in what is left, which is not measured. Written by hand is only what a command asked for: the address of a database in `.env`, the lines that `drift` printed, and
the statement that `new chart` names for tests/superset/numbers.yml.
"""

from __future__ import annotations

import json
import os
import re
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
import yaml

from demo.postgres import Postgres
from superset.scripts import files
from tests import needs
from tests.harness import ROOT, Pipeline
from tests.project import SQLMESH, Project, list_others
from tests.security.hostile import Server
from tests.superset.numbers import differences
from tests.superset.site import reading, served

pytestmark = [pytest.mark.samples, pytest.mark.slow, pytest.mark.nightly, pytest.mark.timeout(3600)]
MINUTES = 10
"""Of CPU time, of all steps together: the time on the clock is the machine's affair."""
DESKTOP = 1440
KEPT_IN = Path(os.environ.get("FIRST_HOUR", ""))
"""The file that the table of steps is written to, if any."""


class Api:
    """The team's REST API: orders with their lines, 20 a page; from some day on each order also has a voucher."""

    def __init__(self) -> None:
        self.count, self.grown = 60, False
        self.server = Server(self.answer)

    def orders(self) -> list[dict[str, object]]:
        return [
            {
                "id": n,
                "customer": n % 25 + 1,
                "total": f"{n * 3 % 50 + 1}.50",
                "status": ("open", "paid", "sent")[n % 3],
                "ordered_at": f"2026-01-{n % 28 + 1:02}T10:00:00Z",
                "lines": [{"sku": f"A-{n % 7}", "quantity": n % 4 + 1}],
            }
            | ({"voucher": f"V-{n}"} if self.grown else {})
            for n in range(1, self.count + 1)
        ]

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        page = int((re.search(r"page=(\d+)", path) or ["", "1"])[1])
        rows = self.orders()[20 * page - 20 : 20 * page]
        more = f"{self.server.url}/orders?page={page + 1}" if 20 * page < self.count else None
        body = json.dumps({"data": rows, "next": more}).encode()
        return 200, {"content-type": "application/json"}, body


class Clock:
    """What each step costs, and how many questions `new` left open in it."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float, float, int]] = []
        self.asked = 0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.asked, seconds, cpu = 0, time.monotonic(), self._cpu()
        yield
        self.steps.append((name, time.monotonic() - seconds, self._cpu() - cpu, self.asked))

    def heard(self, said: str) -> str:
        """What `new` said, whose open questions are counted."""
        self.asked += len(re.findall(r"^  - ", said, re.M))
        return said

    @property
    def cpu(self) -> float:
        return sum(cpu for _, _, cpu, _ in self.steps)

    def table(self) -> str:
        rows = [f"| {name} | {seconds:.0f} | {cpu:.0f} | {asked} |" for name, seconds, cpu, asked in self.steps]
        return "\n".join(["| step | seconds | seconds of CPU | questions |", "|---|---|---|---|", *rows, ""])

    @staticmethod
    def _cpu() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime


class Hour:
    """The checkout, the team's three systems and the clock."""

    def __init__(self, folder: Path, postgres: Postgres, api: Api) -> None:
        self.project = Project(folder / "millrace", *list_others())
        self.postgres, self.api, self.clock = postgres, api, Clock()
        environment = ROOT / "superset" / ".venv"
        (self.project.folder / "superset" / ".venv").symlink_to(environment.resolve())
        self.drop = folder / "drop"
        self.drop.mkdir()
        self.deliver(1)

    def deliver(self, month: int) -> None:
        """A month's file of shipments."""
        lines = [f"{month}{n:03};{n},50;{n:02}.{month:02}.2026;DHL" for n in range(1, 29)]
        text = "\n".join(["Shipment;Weight kg;Sent on;Carrier", *lines]) + "\n"
        (self.drop / f"shipments_{month:02}.csv").write_text(text, encoding="utf-8")

    def runner(self, *words: str, **keys: object) -> str:
        return self.project("runner.py", *words, **keys)  # type: ignore[arg-type]

    def new(self, *words: str) -> str:
        return self.clock.heard(self.runner("new", *words))

    def derive(self) -> None:
        """`make derive`."""
        for module in ("dlt_sources.derive", "superset.derive", "runtime.reference"):
            self.project("-m", module)

    def query(self, sql: str, database: str = "warehouse.duckdb") -> list[tuple[object, ...]]:
        with duckdb.connect(str((self.project.folder / "data" / database).resolve()), read_only=True) as con:
            return con.execute(sql).fetchall()


@pytest.fixture
def hour(tmp_path: Path) -> Iterator[Hour]:
    needs.superset()
    postgres, api = Postgres(tmp_path / "pg"), Api()
    postgres.start()
    with postgres.cursor() as cursor:
        cursor.execute("CREATE TABLE deftunes.customers (id int PRIMARY KEY, country text, updated_at timestamptz)")
        cursor.execute(
            "INSERT INTO deftunes.customers SELECT n, (ARRAY['AT','DE','CH'])[n % 3 + 1], timestamptz '2026-01-01' + n * interval '1 hour'"
            " FROM generate_series(1, 25) AS n"
        )
    with api.server.serve():
        yield Hour(tmp_path, postgres, api)
    postgres.close()


def test_the_first_hour(hour: Hour, capsys: pytest.CaptureFixture[str]) -> None:
    clock = hour.clock
    with clock.step("`demo --scale 0.02`"):
        hour.runner("demo", "--scale", "0.02")
    with clock.step("`new`, `test`, `run`: a REST API"):
        add_the_api(hour)
    with clock.step("`new`, `test`, `run`: a table of Postgres"):
        add_the_database(hour)
    with clock.step("`new`, `test`, `run`: CSV files"):
        add_the_files(hour)
    with clock.step("`preview`, `sql`"):
        look_at_what_landed(hour)
    with clock.step("`new model`, its unit test, `make derive`, `plan`"):
        add_a_model(hour)
    with clock.step("`new check`, `check`"):
        add_a_check(hour)
    with clock.step("`new chart`"):
        statement = add_a_chart(hour)
    with clock.step("`dashboards serve`, and a look in a browser"):
        look_at_the_chart(hour, statement)
    with clock.step("the API sends one field more: `run`, `drift`, the line, `make derive`, `run`, `rebuild`"):
        follow_the_source(hour)
    with clock.step("`samples remove`, `make derive`"):
        hour.project.commit("Our own sources")
        assert "The samples are removed." in hour.runner("samples", "remove", answer="y\n")
        hour.derive()
    with clock.step("what is left: `run --now`, `plan`, `status`, `doctor`, `check`, lint and tests of the models"):
        use_what_is_left(hour)
    with capsys.disabled():
        print(f"\n{clock.table()}")
    if KEPT_IN.name:
        KEPT_IN.write_text(clock.table(), encoding="utf-8")
    assert clock.cpu < 60 * MINUTES, clock.table()
    run_the_fast_tests(hour)


def add_the_api(hour: Hour) -> None:
    said = hour.new("shop", "--from", f"{hour.api.server.url}/orders")
    assert "60 of 60 rows accepted" in said and "elements of `lines`" in said
    tried = hour.runner("test", "shop")
    assert "20 accepted, 0 rejected" in tried and "Nothing has landed" in tried
    assert "orders 60 · order_lines 60" in hour.runner("run", "shop")


def add_the_database(hour: Hour) -> None:
    said = hour.new("crm", "--from", hour.postgres.dsn, "--table", "deftunes.customers")
    assert "25 of 25 rows accepted" in said and "put ELT_CRM_URL=... into .env" in said
    (hour.project.folder / ".env").write_text(f"ELT_CRM_URL={hour.postgres.dsn}\n")
    assert "25 accepted" in hour.runner("test", "crm")
    assert "landed 25 rows" in hour.runner("run", "crm")


def add_the_files(hour: Hour) -> None:
    said = hour.new("depot", "--from", f"{hour.drop}/shipments_*.csv")
    assert "28 of 28 rows accepted" in said
    assert "28 accepted" in hour.runner("test", "depot")
    assert "landed 28 rows" in hour.runner("run", "depot")


def look_at_what_landed(hour: Hour) -> None:
    tables = hour.runner("preview")
    assert {"stg_shop.orders", "stg_shop.order_lines", "stg_crm.customers", "stg_depot.shipments"} <= set(
        re.findall(r"stg_\w+\.\w+", tables)
    )
    assert "paid" in hour.runner("preview", "stg_shop.orders")
    asked = hour.runner("sql", "SELECT sum(weight_kg) FROM stg_depot.shipments", "--warehouse", "--csv")
    assert str(sum(range(1, 29)) + 14) in asked


def add_a_model(hour: Hour) -> None:
    said = hour.runner("new", "model", "shop_gold.orders", "--from", "stg_shop.orders")
    assert "wrote: sqlmesh_project/models/shop_gold/orders.sql" in said
    hour.project("-c", SQLMESH, "-p", "sqlmesh_project", "test")
    hour.derive()
    hour.runner("plan")
    assert hour.query("SELECT count(*) FROM shop_gold.orders", "serving.duckdb") == [(60,)]


def add_a_check(hour: Hour) -> None:
    assert "wrote: soda_checks/gold/shop_gold/orders.yml" in hour.new("check", "shop_gold.orders")
    answers = json.loads(hour.runner("check", "--json"))
    found = {(answer["check_type"], answer["outcome"]) for answer in answers if answer["scope"] == "shop_gold"}
    assert ("failed_rows", "passed") in found


def add_a_chart(hour: Hour) -> str:
    """Returns the statement that says what the chart must show."""
    said = hour.new("chart", "shop_gold.orders")
    [statement] = re.findall(r"needs its line in tests/superset/numbers.yml, such as: (.*)", said)
    with (hour.project.folder / "tests" / "superset" / "numbers.yml").open("a") as numbers:
        numbers.write(f"\nshop_gold_orders: {json.dumps(statement)}\n")
    hour.project("-m", "superset.derive", "--check")
    return statement


def look_at_the_chart(hour: Hour, statement: str) -> None:
    assets = files.read(hour.project.folder / "superset" / "assets")
    dashboard, chart = (assets[f"{kind}/shop_gold_orders.yaml"] for kind in ("dashboards", "charts"))
    pipeline = Pipeline(hour.project.folder / "data", {})
    with served(pipeline, root=hour.project.folder) as site, reading(site.url) as reader:
        reader.sign_in("admin", site.password)
        assert list(reader.tabs(dashboard, DESKTOP)) == [""]
        numbers = {c["uuid"]: c["id"] for c in site.session().all("chart", "uuid")}
        answer = reader.answers[numbers[chart["uuid"]]]
        assert reader.faults == []
    with duckdb.connect(str((pipeline.folder / "serving.duckdb").resolve()), read_only=True) as con:
        assert differences(chart, answer, statement, con) == []


def follow_the_source(hour: Hour) -> None:
    hour.api.count, hour.api.grown = 64, True
    hour.deliver(2)
    said = hour.runner("run", "shop", "depot")
    assert "shop.orders sends a field that its contract does not declare: voucher (text)" in said
    place, line, *_ = hour.runner("drift", "shop").splitlines()
    name = re.fullmatch(r"dlt_sources/shop/contract.py, class (\w+):", place)[1]  # type: ignore[index]
    contract = hour.project.folder / "dlt_sources" / "shop" / "contract.py"
    before, after = contract.read_text().split(f"class {name}(Contract):\n")
    body, *others = re.split(r"(?=^\S)", after, maxsplit=1, flags=re.M)
    contract.write_text(
        f"{before}class {name}(Contract):\n{body.rstrip()}\n{line}\n\n\n{''.join(others)}".rstrip() + "\n"
    )
    hour.derive()
    hour.api.count = 66
    assert "`python runner.py rebuild shop orders` judges them again" in hour.runner("run", "shop")
    assert "sends what its contract declares" in hour.runner("drift", "shop")
    filled = "SELECT count(*), count(voucher), max(voucher) FILTER (id = 66) FROM stg_shop.orders"
    assert hour.query(filled) == [(66, 2, "V-66")]  # the rows that came since
    hour.runner("rebuild", "shop", "orders")
    assert hour.query(filled) == [(66, 66, "V-66")]
    assert hour.query("SELECT count(*) FROM shop_gold.orders", "serving.duckdb") == [(66,)]


def use_what_is_left(hour: Hour) -> None:
    folder = hour.project.folder
    assert sorted(path.parent.name for path in folder.glob("dlt_sources/*/source.yml")) == ["crm", "depot", "shop"]
    assert yaml.safe_load((folder / "dlt_sources/shop/source.yml").read_text())["tables"].keys() == {
        "orders",
        "order_lines",
    }
    for words in (["run", "--now"], ["plan"], ["status"], ["doctor"], ["check"]):
        hour.runner(*words)
    assert hour.query("SELECT count(*) FROM stg_depot.shipments") == [(56,)]
    for module in ("dlt_sources.derive", "superset.derive", "runtime.reference"):
        hour.project("-m", module, "--check")
    for words in (["format", "--check"], ["lint"], ["test"]):
        hour.project("-c", SQLMESH, "-p", "sqlmesh_project", *words)


def run_the_fast_tests(hour: Hour) -> None:
    """`make test-fast` beside the team's own source, model, check and chart. The slow tests take hours of CPU: they make projects of
    their own, so that a team's sources hardly matter to them.
    """
    said = hour.project("-m", "pytest", "-m", "not slow", "-n", "2", "--ignore=tests/deploy")
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", said)}
    assert set(re.findall(r"^Not run here: .*: (the samples were removed)", said, re.M)) == {"the samples were removed"}
    assert counts.get("failed", 0) == counts.get("error", 0) == 0 and counts["passed"] > 1000, said[-3000:]
