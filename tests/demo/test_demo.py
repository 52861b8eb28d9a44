"""The demo beside a team's own source and data: it reads and touches neither, and what it prints afterwards is true."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests import harness
from tests.demo.test_folder import snapshot
from tests.harness import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.samples]

SOURCE = """description: The shop
owner: me
schedule: "@daily"
connector: rest_api
connection: {base_url: "${SHOP_URL}"}
tables:
  orders: {contract: Order, key: [id], endpoint: {path: orders, data_selector: $}}
"""
CONTRACT = '''"""Orders."""

from dlt_sources._steps.contracts.contract import Contract, column


class Order(Contract):
    """One order."""

    id: int = column("The order", ge=1)
'''


@pytest.fixture(scope="module")
def shop():
    """A real system of the team's; it remembers who asked."""

    class Handler(BaseHTTPRequestHandler):
        asked = []

        def do_GET(self):
            self.asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'[{"id": 1}, {"id": 2}, {"id": -1}]')

        do_POST = do_PUT = do_HEAD = do_GET

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", Handler.asked
    server.shutdown()


class Team:
    """A checkout in which a team works: an own source, its data, a `.env` and a shell full of settings."""

    def __init__(self, folder, url):
        self.folder = harness.checkout(folder)
        shutil.copytree(ROOT / "demo", folder / "demo", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "dlt_sources" / "shop").mkdir()
        (folder / "dlt_sources" / "shop" / "source.yml").write_text(SOURCE)
        (folder / "dlt_sources" / "shop" / "contract.py").write_text(CONTRACT)
        addresses = ("AUDIOPHILE_URL", "DEFTUNES_API_URL", "RANDOM_USERS_URL", "TAXI_FILES", "SALES_FILES", "SHOP_URL")
        lines = [f"ELT_{name}={url}" for name in addresses] + [f"ELT_ALERT_URLS=json://{url.removeprefix('http://')}"]
        (folder / ".env").write_text("\n".join(lines) + "\n")
        self.shell = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.parent),
            "ELT_SHOP_URL": url,
            "ELT_NOW": "2026-01-02T03:04:05",
        }

    def call(self, command):
        """A command line as a person types it."""
        names = {}
        words = shlex.split(command)
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            names[name] = value
        words[0] = {"python": sys.executable}.get(words[0], words[0])
        return subprocess.run(
            words, cwd=self.folder, env=self.shell | names, capture_output=True, text=True, check=False, timeout=600
        )


@pytest.fixture(scope="module")
def team(shop, tmp_path_factory):
    team = Team(tmp_path_factory.mktemp("team") / "millrace", shop[0])
    done = team.call("python runner.py run shop")
    assert done.returncode == 0 and "accepted 2" in done.stdout, done.stdout + done.stderr
    return team


@pytest.fixture(scope="module")
def demos(team, shop, request):
    """A demo beside a source of the team's that is broken; by night also one before, while it works: (what the team had before
    each, and after).
    """
    found = []
    for again in (False, True) if request.config.getoption("nightly") else (True,):
        if again:
            (team.folder / "dlt_sources" / "shop" / "source.yml").write_text("connector: [unclosed ${SHOP_URL}")
            (team.folder / "sqlmesh_project" / "models" / "shop").mkdir()
            (team.folder / "sqlmesh_project" / "models" / "shop" / "broken.sql").write_text(
                "MODEL (name shop.broken; SELEC"
            )
            team.shell["ELT_MISTYPED"] = "x"
        shop[1].clear()
        before = snapshot(team.folder / "data")
        done = team.call("python runner.py demo --scale 0.02")
        assert done.returncode == 0, done.stdout + done.stderr
        found.append((done, before, snapshot(team.folder / "data"), list(shop[1])))
    return found


@pytest.mark.nightly
def test_the_team_s_data_is_untouched_and_its_system_was_not_asked(demos):
    for done, before, after, asked in demos:
        assert len(before) > 20 and after == before
        assert asked == []
        assert "exactly what the world's own oracle expects" in done.stdout and "shop" not in done.stdout


@pytest.mark.nightly
def test_every_command_that_is_printed_shows_the_demo(demos, team):
    said = demos[-1][0].stdout
    printed = re.findall(r"^  (\S*\s?python runner\.py \w+)", said, re.MULTILINE)
    wanted = [command for command in printed if command.split()[-1] in ("status", "rejected")]
    assert len(wanted) == 2, said
    for command in wanted:
        done = team.call(f"{command} --json")
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        rows = answer["tables"] if "tables" in answer else answer["reasons"]
        assert {row["source"] for row in rows} >= {"audiophile", "deftunes_api", "sales", "taxi"}
        assert "shop" not in done.stdout
    [serving] = re.findall(r"duckdb -readonly (\S+)", said)
    assert (team.folder / serving).exists()
    assert "dashboards serve --demo" in said
    done = team.call("python runner.py dashboards export --demo")
    assert (
        f"the demo's data is in {team.folder / 'data-demo'}" in done.stdout
        and "no Superset to export from" in done.stderr
    )


@pytest.mark.nightly
def test_the_dashboards_are_the_own_ones_once_something_is_published(demos, team, tmp_path):
    (team.folder / "dlt_sources" / "shop" / "source.yml").write_text(SOURCE)
    mistyped = team.shell.pop("ELT_MISTYPED", None)
    own = team.call("python runner.py dashboards export")
    assert f"these are the dashboards of the data in {team.folder / 'data'}" in own.stdout, own.stderr
    none = team.call(f"ELT_DATA_DIR={tmp_path / 'empty'} python runner.py dashboards export")
    assert "nothing of your own is published" in none.stdout and f"is in {team.folder / 'data-demo'}" in none.stdout
    assert mistyped and not (tmp_path / "empty").exists()


@pytest.mark.nightly
def test_the_demo_s_clock_is_nobody_else_s(demos, team):
    (team.folder / "dlt_sources" / "shop" / "source.yml").write_text(SOURCE)
    shutil.rmtree(team.folder / "sqlmesh_project" / "models" / "shop", ignore_errors=True)
    team.shell.pop("ELT_MISTYPED", None)
    program = "python -c 'import settings; s = settings.load(); print(s.clock().year, s.lookup(\"sales_files\"))'"
    own, demo = team.call(program).stdout, team.call(f"ELT_DATA_DIR=data-demo {program}").stdout
    assert own.split() == ["2026", team.shell["ELT_SHOP_URL"]]
    assert demo.split() == ["2020", str(team.folder / "data-demo" / "world" / "sales")]
    done = team.call("python runner.py run shop")
    assert done.returncode == 0 and "landed 0 rows" in done.stdout, done.stdout + done.stderr


@pytest.mark.nightly
def test_the_demo_s_data_is_removed_by_its_own_command(demos, team):
    before = snapshot(team.folder / "data")
    assert team.call("python runner.py demo --remove").returncode == 0
    assert not (team.folder / "data-demo").exists() and snapshot(team.folder / "data") == before
