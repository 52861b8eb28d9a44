"""The demo's folder: what the demo did not make there, it does not delete; what it is told of a user's settings: nothing."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest
from filelock import FileLock

from demo import folder as demo_data
from demo import shipped
from demo.world import SETTINGS, World
from dlt_sources.door import load_sources
from foundation.environment import MARK, demo_folder, demo_in, read
from settings import SettingsError
from tests import harness
from tests.harness import ROOT


def snapshot(folder):
    """Every path under a folder with its content, links as links."""
    return {
        str(path.relative_to(folder)): path.readlink()
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def made(tmp_path):
    """A folder as a demo leaves it: one file of every kind it makes."""
    folder = tmp_path / "data-demo"
    with demo_data.claimed(folder):
        for name in (
            "lake/landing/sales/order_lines/1.2.parquet",
            "lake/landing/_seen/sales/x.parquet",
            "lake/silver/taxi/zones/a",
            "lake/silver/catalog.db",
            "warehouse.duckdb",
            "warehouse.duckdb.wal",
            "state.duckdb",
            "dlt/land_sales/state.json",
            "serving/00000000000000000001/serving.duckdb",
            "sqlmesh_cache/x",
            "superset/superset.db",
            "world/postgres/PG_VERSION",
            "world/sales/sales_2020-02-01.csv",
            "world/sales/sales_2020-02-02_late.csv",
            "world/api.log",
            "world/api.port",
            "run.lock",
            "heartbeat.json",
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("demo")
        (folder / "serving.duckdb").symlink_to("serving/00000000000000000001/serving.duckdb")
    return folder


def test_an_earlier_demo_makes_way_but_for_its_superset(made):
    with demo_data.claimed(made):
        left = {path.name for path in made.iterdir()}
        assert left == {MARK, "demo.lock", "run.lock", "superset"} and (made / "superset" / "superset.db").exists()
        assert (made / MARK).stat().st_mode & 0o077 == 0  # it holds the password of the world's Postgres


def test_all_of_it_is_removed_on_demand_and_a_second_time_there_is_nothing(made):
    assert demo_data.remove(made) and not made.exists()
    assert not demo_data.remove(made)


def _mark_gone(folder):
    (folder / MARK).unlink()


def _mark_of_another(folder):
    (folder / MARK).write_text((folder / MARK).read_text().replace(str(folder), "/elsewhere/data-demo"))


def _mark_damaged(folder):
    (folder / MARK).write_text("{")


def _only_a_folder_called_demo(folder):
    (folder / MARK).unlink()
    (folder / "demo").mkdir()  # how a demo was known once


def _linked(folder):
    shutil.move(folder, folder.with_name("own"))
    folder.symlink_to("own")


def _a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("mine")


def _with(name, link=None):
    def add(folder):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        path.symlink_to(link) if link else path.write_text("mine")

    return add


FOREIGN = {
    "no mark": _mark_gone,
    "a mark of another folder": _mark_of_another,
    "a damaged mark": _mark_damaged,
    "an older demo's": _only_a_folder_called_demo,
    "a link to another folder": _linked,
    "a file": _a_file,
    **{
        name: _with(name)
        for name in (
            "notes.txt",
            ".hidden",
            "mine.duckdb",
            "serving/mine.duckdb",
            "serving/00000000000000000001/mine.duckdb",
            "lake/exports",
            "lake/landing/shop",
            "lake/silver/shop",
            "lake/landing/_seen/shop",
            "world/mine.csv",
            "world/sales/mine.csv",
        )
    },
    **{
        f"link {name}": _with(name, "/tmp")
        for name in (
            "lake",
            "dlt",
            "world",
            "superset",
            "warehouse.duckdb",
            "serving.duckdb",
            "lake/landing",
            "lake/landing/sales",
            "world/sales",
        )
    },
}


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN)
def test_what_no_demo_made_is_refused_and_nothing_is_deleted(change, made, tmp_path):
    change(made)
    before = snapshot(tmp_path)
    for act in (lambda: demo_data.claimed(made).__enter__(), lambda: demo_data.remove(made)):
        with pytest.raises(SettingsError, match=r"nothing was deleted|deletes nothing|is a file") as caught:
            act()
        assert "ELT_DEMO_DATA_DIR" in str(caught.value) and caught.value.exit_code == 2
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("lock", ["demo.lock", "run.lock"])
def test_a_demo_or_a_run_in_progress_keeps_its_data(lock, made):
    before = snapshot(made)
    program = "import sys, time; from filelock import FileLock\nwith FileLock(sys.argv[1]): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(made / lock)], stdout=subprocess.PIPE, text=True
    ) as other:
        try:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(demo_data.DemoRunningError, match="another demo or a run uses"), demo_data.claimed(made):
                pass
        finally:
            other.kill()
    assert snapshot(made).items() >= {k: v for k, v in before.items() if not k.endswith(".lock")}.items()
    with FileLock(made / lock, timeout=5):
        pass


@pytest.mark.parametrize(
    ("own", "demos"), [("data", "data"), ("data", "data/demo"), ("data/own", "data"), ("", "data")]
)
def test_the_demo_s_folder_is_apart_from_the_own_one(own, demos, monkeypatch, tmp_path):
    base = ROOT if not own else tmp_path
    monkeypatch.setenv("ELT_DATA_DIR", str(base / own) if own else "")
    monkeypatch.setenv("ELT_DEMO_DATA_DIR", str(base / demos))
    with pytest.raises(SettingsError, match="must be apart; give ELT_DEMO_DATA_DIR another one"):
        demo_folder()


def test_the_mark_s_settings_hold_there_and_nothing_of_the_user_s(made, tmp_path):
    demo_data.mark(made, {"ELT_SALES_FILES": "/demo/sales", "ELT_NOW": "2020-01-31T23:30:00"})
    (tmp_path / ".env").write_text("ELT_TARGET=aws\nELT_SALES_FILES=/real\nELT_NOW=2026-01-01\nbroken line\n")
    shell = {
        "ELT_TARGET": "aws",
        "ELT_SALES_FILES": "/real",
        "ELT_POSTGRES_URL": "postgresql://real",
        "ELT_ALERT_URLS": "json://team",
        "ELT_MISTYPED": "x",
        "ELT_MEMORY": "1GB",
    }
    found = read(shell | {"ELT_DATA_DIR": str(made)}, tmp_path)
    assert found.values == {
        "ELT_TARGET": "local",
        "ELT_DATA_DIR": str(made),
        "ELT_SALES_FILES": "/demo/sales",
        "ELT_NOW": "2020-01-31T23:30:00",
        "ELT_MEMORY": "1GB",
    }
    assert found.problems == [] and found.demo.sources == list(demo_data.SOURCES)
    other = read(shell | {"ELT_DATA_DIR": str(tmp_path / "data")}, tmp_path)
    assert other.demo is None and other.values["ELT_SALES_FILES"] == "/real" and other.values["ELT_NOW"] == "2026-01-01"
    shutil.copytree(made, tmp_path / "data", symlinks=True)  # a copy is the user's own
    assert demo_in(tmp_path / "data") is None


# -- the demo's sources -------------------------------------------------------------------------------------------------


@pytest.fixture
def sources(tmp_path):
    return shutil.copytree(ROOT / "dlt_sources", tmp_path / "dlt_sources", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.mark.samples
def test_what_is_shipped_is_written_down():
    assert shipped.changed(ROOT / "dlt_sources") == [], "a shipped source was changed: python -m demo.shipped"
    assert {path.parent.name for path in (ROOT / "dlt_sources").glob("*/source.yml")} >= set(demo_data.SOURCES)


@pytest.mark.samples
@pytest.mark.parametrize("name", demo_data.SOURCES)
def test_a_source_that_is_gone_or_changed_is_named(name, sources):
    with (sources / name / "contract.py").open("a") as file:
        file.write("# ours\n")
    assert shipped.changed(sources) == [name]
    (sources / name / "source.yml").unlink()
    with pytest.raises(SettingsError, match=rf"no longer has dlt_sources/{name}; restore"):
        shipped.changed(sources)


@pytest.mark.samples
def test_other_line_endings_are_not_a_change(sources):
    for path in sources.glob("*/*.*"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert shipped.changed(sources) == []


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("sales", "${SALES_FILES}", "/real/sales"),
        ("sales", "${SALES_FILES}", "${OUR_FILES}"),
        ("random_users", "${RANDOM_USERS_URL}", "https://api.example.com"),
        ("deftunes_db", "${DEFTUNES_DB_URL}", "${OUR_DB}"),
        ("audiophile", "  base_url: ${AUDIOPHILE_URL}", "  base_url: ${AUDIOPHILE_URL}\n  hosts: [real.example.com]"),
    ],
)
def test_a_changed_source_never_reads_a_system_of_the_user_s(name, old, new, sources):
    path = sources / name / "source.yml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(
        SettingsError, match=rf"dlt_sources/{name}/source\.yml was changed and would read a system of yours"
    ):
        shipped.refuse_other_systems(load_sources(sources), [name], SETTINGS)


@pytest.mark.samples
def test_the_shipped_sources_read_the_demo_s_systems_only(sources):
    shipped.refuse_other_systems(load_sources(sources), demo_data.SOURCES, SETTINGS)


def test_the_world_names_what_it_says_it_names(tmp_path):
    world = World(tmp_path, 0.01)
    world.api_url = "http://127.0.0.1:1"
    assert set(world.environment) == set(SETTINGS)


# -- clean ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "kept"), [([], True), (["CONFIRM=no"], True), (["CONFIRM=yes"], False)])
def test_clean_keeps_the_data_unless_it_is_told_otherwise(arguments, kept, tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in (
        "data/warehouse.duckdb",
        "data-demo/demo.json",
        ".venv/x",
        "logs/mine.txt",
        "logs/sqlmesh_1.log",
        ".env",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    done = subprocess.run(
        ["make", "clean", *arguments],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    left = {path for path in snapshot(tmp_path) if "/" in path or path.startswith(".")}
    always = {"data-demo/demo.json", "logs/mine.txt", ".env"}
    assert left == always | ({"data/warehouse.duckdb"} if kept else set())
    assert ("data/ is kept" in done.stdout) == kept


@pytest.mark.samples
def test_a_checkout_without_one_of_the_six_says_so_and_ends_with_2(tmp_path):
    checkout = harness.checkout(tmp_path / "millrace")
    shutil.copytree(ROOT / "demo", checkout / "demo", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(checkout / "dlt_sources" / "taxi")
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "runner.py", "demo"],
        cwd=checkout,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 2 and "no longer has dlt_sources/taxi" in done.stderr and "Traceback" not in done.stderr
    assert not (checkout / "data-demo").exists() and time.monotonic() - begun < 60
    assert json.loads(shipped.SHIPPED.read_text()).keys() == set(demo_data.SOURCES)
