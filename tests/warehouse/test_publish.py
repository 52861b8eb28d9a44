"""Publish switches whole versions."""

import duckdb
import pytest

import settings as configuration
from warehouse.publish import publish


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    return configuration.load()


def fill(here, number):
    here.data.mkdir(exist_ok=True)
    with duckdb.connect(str(here.warehouse)) as con:
        for domain in ("music", "taxi", "ops"):
            con.execute(
                f"CREATE SCHEMA IF NOT EXISTS {domain}; CREATE OR REPLACE TABLE {domain}.t AS SELECT {number} AS n"
            )
            con.execute(f"CREATE OR REPLACE VIEW {domain}.v AS SELECT n + 1 AS n FROM warehouse.{domain}.t")


def served(here):
    with duckdb.connect(str(here.serving.resolve()), read_only=True) as con:
        return {d: con.execute(f"SELECT t.n, v.n FROM {d}.t, {d}.v").fetchone() for d in ("music", "taxi", "ops")}


def test_only_the_named_domains_change(here):
    fill(here, 1)
    assert publish({"music", "taxi", "ops"}, here) == {"music": 2, "ops": 2, "taxi": 2}
    fill(here, 5)
    publish({"music", "ops"}, here)
    assert served(here) == {"music": (5, 6), "taxi": (1, 2), "ops": (5, 6)}


def test_a_failed_publish_leaves_the_old_version(here, monkeypatch):
    fill(here, 1)
    publish({"music", "taxi", "ops"}, here)
    fill(here, 2)
    monkeypatch.setattr("warehouse.publish_file._switch", lambda link, target: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publish({"music", "taxi", "ops"}, here)
    assert served(here)["music"] == (1, 2)


def test_two_versions_stay_and_a_moved_folder_still_serves(here, tmp_path, monkeypatch):
    for number in range(4):
        fill(here, number)
        publish({"music", "taxi", "ops"}, here)
    assert len(list((here.data / "serving").iterdir())) == 2
    here.data.rename(tmp_path / "elsewhere")
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "elsewhere"))
    assert served(configuration.load())["music"] == (3, 4)


def test_an_open_reader_keeps_its_version_and_a_new_one_sees_the_new(here):
    fill(here, 1)
    publish({"music", "taxi", "ops"}, here)
    with duckdb.connect(str(here.serving.resolve()), read_only=True) as reader:
        fill(here, 2)
        publish({"music", "taxi", "ops"}, here)
        assert reader.execute("SELECT n FROM music.t").fetchone() == (1,)
        assert served(here)["music"] == (2, 3)


def test_files_of_somebody_else_beside_the_versions_stay(here):
    versions = here.data / "serving"
    versions.mkdir(parents=True)
    for name in ("mine.duckdb", "0.duckdb", "zz.duckdb", "mine.new", "notes.txt"):
        (versions / name).write_text("mine")
    for number in range(4):
        fill(here, number)
        publish({"music", "taxi", "ops"}, here)
        assert served(here)["music"] == (number, number + 1)
    others = {path.name for path in versions.iterdir() if path.is_file() and path.read_bytes() == b"mine"}
    assert others == {"mine.duckdb", "0.duckdb", "zz.duckdb", "mine.new", "notes.txt"}
    assert len(list(versions.iterdir())) == 2 + len(others)
