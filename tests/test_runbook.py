"""Every command of docs/runbook.md, run in the case that its section is about: it prints what the page shows.

`MILLRACE_REVIEW=1` writes the page's transcripts again; read the difference.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.dlt_sources.shop import Site
from tests.harness import ROOT
from tests.small import CONTRACT, Small

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "runbook.md"
FENCE = re.compile(r"```console\n(.*?)```", re.S)
API = {
    "connector": "rest_api",
    "connection": {"base_url": "${CRM_URL}", "attempts": 2},
}
TABLE = {"endpoint": {"path": "things", "data_selector": "$"}, "contract": "Thing", "key": ["id"], "mode": "replace"}


KILLED = """
import os, signal, sys
import runner
from dlt_sources._steps.staging import stage
stage.Staging.write = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
sys.argv[0] = "runner.py"
runner.main()
"""
"""A run that is killed once rows have landed, before they are in staging."""


class Team(Small):
    """The two sources of the page: `shop` reads files, `crm` an API."""

    def __init__(self, folder: Path, site: Site) -> None:
        super().__init__(folder, "shop", "crm")
        self.site = site
        del self.environment["ELT_CRM_FILES"]
        self.environment |= {"ELT_CRM_URL": site.url, "ELT_WAREHOUSE_WAIT": "2"}
        declared = {"description": "customers", "owner": "me", "schedule": "@daily", **API, "tables": {"things": TABLE}}
        (self.code / "dlt_sources/crm/source.yml").write_text(yaml.safe_dump(declared, sort_keys=False))
        self.answer(3)
        self.deliver("shop", "1.csv", *(f"{n},thing {n}" for n in range(1, 41)))
        self("-m", "dlt_sources.derive")
        self.run("run", "--now")

    def answer(self, rows: int) -> None:
        """What the API has."""
        self.site.files["things"] = json.dumps(
            [{"id": n, "name": f"customer {n}"} for n in range(1, rows + 1)]
        ).encode()

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a file of the checkout."""
        text = (self.code / path).read_text()
        assert old in text
        (self.code / path).write_text(text.replace(old, new))

    def type(self, line: str) -> str:
        """What a command line of the page prints."""
        words = shlex.split(line)
        if words[:2] == ["python", "runner.py"]:
            done = self.run(*words[2:], code=None)
        else:
            done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=True)
        assert "Traceback" not in done.stdout + done.stderr
        text = done.stdout + done.stderr
        if words[1:] == ["runner.py", "status"]:  # its tables of rows and of disk say nothing of the case
            text = re.sub(r"(?ms)^Tables\n.*^Disk used\n.*?(?=^\S)", "...\n", text)
        text = text.replace(f"{self.folder}/", "").replace(self.site.url, "https://crm.example.com")
        text = text.replace(sys.executable, "/usr/bin/python3").replace(
            os.path.realpath(sys.executable), "/usr/bin/python3"
        )
        return "\n".join(row.rstrip() for row in text.splitlines() if row.strip())


def mask(text: str) -> str:
    """A transcript without what differs each time: ids, times, seconds, sizes, rows of the pipeline's own record."""
    for pattern in (
        r"\d{8}T\d{6}-[0-9a-f]{6}",
        r"\d{4}-\d\d-\d\d \d\d:\d\d",
        r"\b\d{10}\.\d+",
        r" *(\d+\.\d+( s|  +\d+)|\d+ s)\b",
        r"ops \d+",
        r"(PID|-fp) \d+",
        r"\d+(\.\d)? [kM]?B",
        r" of [\d.]+ [kMG]B",
    ):
        text = re.sub(pattern, "~", text)
    return re.sub(r"(?m)^ between steps.*\n", "", text)  # only where it takes long enough to be shown


Case = Callable[[Team], Iterator[None]]


def a_source_is_down(team: Team) -> Iterator[None]:
    team.deliver("shop", "2.csv", "41,new")
    team.answer(5)
    answer, team.site.files["things"] = team.site.files["things"], 503
    yield
    team.site.files["things"] = answer
    yield
    assert len(team.gold("crm")) == 5


def a_bad_file(team: Team) -> Iterator[None]:
    team.deliver("shop", "2.csv", "41,new")
    (team.drop["shop"] / "3.csv").write_bytes(b"\x00\x01PK\x00" * 50)
    yield
    team.deliver("shop", "3.csv", "1,wrong", "42,wrong")
    yield
    assert (1, "wrong") in team.gold("shop")
    yield
    assert [row for row in team.gold("shop") if row[0] in (1, 41, 42)] == [(1, "thing 1"), (41, "new")]


def some_rows_are_broken(team: Team) -> Iterator[None]:
    long = "a name that is longer than twenty"
    team.deliver("shop", "2.csv", *(f"{n},{long if n % 10 == 0 else 'new'}" for n in range(41, 61)))
    yield
    assert len(team.gold("shop")) == 58
    team.edit("dlt_sources/shop/contract.py", "max_length=20", "max_length=40")
    team("-m", "dlt_sources.derive")
    yield
    assert len(team.gold("shop")) == 60


def too_many_rejected_rows(team: Team) -> Iterator[None]:
    team.deliver("shop", "2.csv", *(f"{n},{'' if n % 10 < 3 else 'new'}" for n in range(41, 81)))
    yield
    assert len(team.gold("shop")) == 40
    team.deliver("shop", "3.csv", *(f"{n},new" for n in range(41, 81)))
    yield
    assert len(team.gold("shop")) == 80


def the_warehouse_is_locked(team: Team) -> Iterator[None]:
    team.deliver("shop", "2.csv", "41,new")
    hold = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(team.data / "warehouse.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline() == b"open\n"
        yield
        other.communicate()
    yield
    assert len(team.gold("shop")) == 41


def the_disk_is_full(team: Team) -> Iterator[None]:
    if os.geteuid():
        pytest.skip("a disk of a certain size needs root")
    lake = team.data / "lake"
    shutil.move(lake, team.folder / "kept")
    lake.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", lake], check=True)
    try:
        shutil.copytree(team.folder / "kept", lake, dirs_exist_ok=True)
        full = lake / "landing" / "other"
        with full.open("wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(b"x" * 1024)
        team.deliver("shop", "2.csv", *(f"{n},thing {n}" for n in range(41, 2041)))
        yield
        full.unlink()
        yield
        assert len(team.gold("shop")) == 2040
    finally:
        subprocess.run(["umount", "-l", lake], check=True)


def a_wrong_deploy(team: Team) -> Iterator[None]:
    model = "sqlmesh_project/models/shop_gold/things_now.sql"
    kept = (team.code / model).read_text()
    team.edit(model, "t.name::VARCHAR(80)", "t.nme::VARCHAR(80)")
    yield
    assert len(team.gold("shop")) == 40
    (team.code / model).write_text(kept)
    team.edit(model, "AS t\n", "AS t\nWHERE t.id > 20\n")
    team.run("plan")
    assert len(team.gold("shop")) == 20
    (team.code / model).write_text(kept)
    yield
    assert len(team.gold("shop")) == 40


def a_run_was_killed(team: Team) -> Iterator[None]:
    team.deliver("shop", "2.csv", "41,new")
    killed = team("-c", KILLED, "run", "shop", code=None)
    assert killed.returncode == -signal.SIGKILL, killed
    yield
    assert len(team.gold("shop")) == 41


def a_contract_changed(team: Team) -> Iterator[None]:
    team.deliver("shop", "2.csv", "41,new")
    contract = team.code / "dlt_sources/shop/contract.py"
    contract.write_text(CONTRACT.replace("max_length=20", "max_length=10"))
    team("-m", "dlt_sources.derive")
    yield
    assert len(team.gold("shop")) == 41


def the_laptop_is_lost(team: Team) -> Iterator[None]:
    before = team.gold("shop"), team.gold("crm")
    shutil.copytree(team.data / "lake/landing", team.folder / "backup/landing")
    shutil.rmtree(team.data)
    (team.data / "lake").mkdir(parents=True)
    yield
    assert (team.gold("shop"), team.gold("crm")) == before


def the_state_is_lost(team: Team) -> Iterator[None]:
    before = team.gold("shop"), team.gold("crm")
    yield
    assert (team.gold("shop"), team.gold("crm")) == before
    team.deliver("shop", "2.csv", "41,new")
    yield
    assert (team.gold("shop"), team.gold("crm")) == ([*before[0], (41, "new")], before[1])
    with duckdb.connect(str(team.data / "warehouse.duckdb"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM stg_shop.things").fetchall() == [(41,)]


def a_run_is_slow(team: Team) -> Iterator[None]:
    yield


CASES: dict[str, Case] = {
    "A source is down": a_source_is_down,
    "A bad file": a_bad_file,
    "Some rows are broken": some_rows_are_broken,
    "Too many rejected rows": too_many_rejected_rows,
    "The warehouse is locked": the_warehouse_is_locked,
    "The disk is full": the_disk_is_full,
    "A wrong deploy": a_wrong_deploy,
    "A run was killed": a_run_was_killed,
    "A contract changed": a_contract_changed,
    "The laptop is lost": the_laptop_is_lost,
    "The state is lost": the_state_is_lost,
    "A run is slow": a_run_is_slow,
}


def sections() -> dict[str, str]:
    """The text of each section of the page, by its heading."""
    parts = re.split(r"^## (.+)\n", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.fixture(scope="module")
def team_at_rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with Site(etags=False).serve() as site:
        yield Team(tmp_path_factory.mktemp("runbook"), site)


@pytest.fixture
def team(team_at_rest: Team) -> Iterator[Team]:
    """The two sources after one run; put back after each case."""
    kept = team_at_rest.folder.with_suffix(".kept")
    if not kept.exists():
        shutil.copytree(team_at_rest.folder, kept, symlinks=True)
    yield team_at_rest
    team_at_rest.answer(3)
    shutil.rmtree(team_at_rest.folder)
    shutil.copytree(kept, team_at_rest.folder, symlinks=True)


def test_every_section_of_the_page_has_a_case() -> None:
    assert list(sections()) == list(CASES)


@pytest.mark.few(4)
@pytest.mark.parametrize("name", CASES)
def test_a_section_shows_what_is_printed(team: Team, name: str) -> None:
    written = sections()[name]
    fences = FENCE.findall(written)
    shown = []
    case = CASES[name](team)
    for fence in fences:
        next(case)
        lines = [line for line in fence.splitlines() if line.startswith("$ ")]
        printed = [(line, team.type(line.removeprefix("$ "))) for line in lines]
        shown.append("\n".join(part for line, text in printed for part in (line, text) if part) + "\n")
    assert next(case, "over") == "over", "the page has fewer transcripts than the case has steps"
    if list(map(mask, fences)) == list(map(mask, shown)):
        return
    if os.environ.get("MILLRACE_REVIEW"):
        texts = iter(shown)
        new = FENCE.sub(lambda _: f"```console\n{next(texts)}```", written)
        PAGE.write_text(PAGE.read_text(encoding="utf-8").replace(written, new), encoding="utf-8")
    else:
        assert list(map(mask, fences)) == list(map(mask, shown))
