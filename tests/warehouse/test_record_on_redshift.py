"""What waits, and drift, recorded in Redshift as in DuckDB: the same statements, the same answers."""

from datetime import datetime

import pytest

import settings as configuration
from warehouse import drift, drift_notes, ops_tables
from warehouse.connection import connect
from warehouse.held import Expected, Field, Seen
from warehouse.waiting import Waiting, built_schemas, filled_sources

TEXT = frozenset({"text"})


@pytest.fixture(params=["local", "aws"])
def settings(request, tmp_path, monkeypatch):
    if request.param == "aws":
        found = request.getfixturevalue("on_redshift")
    else:
        monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
        found = configuration.load()
    with connect(found) as con:
        con.execute("CREATE SCHEMA IF NOT EXISTS stg_recorded")
        ops_tables.ensure(con, found)
        con.execute("CREATE TABLE stg_recorded._loads (source VARCHAR(100), landed BIGINT)")
        con.execute("INSERT INTO stg_recorded._loads VALUES ('recorded', 0), ('recorded', 2)")
    yield found.model_copy(update={"now": datetime(2026, 1, 1, 6)})
    with connect(found) as con:
        con.execute("DROP SCHEMA stg_ops CASCADE")
        con.execute("DROP TABLE stg_recorded._loads")


def test_drift(settings):
    expected = {"orders": Expected({"note": "VARCHAR(10)"}, frozenset({"note"}))}
    good = Seen(5, {"note": Field(5, 5, TEXT)}, {})
    bad = Seen(5, {"note": Field(0, 0, frozenset())}, {'it\'s "new"': Field(5, 4, frozenset({"number", "text"}))})
    assert drift_notes.note("shop", {"orders": good}, expected, settings).new == []
    found = drift_notes.note("shop", {"orders": bad}, expected, settings)
    assert {(d.path, d.what, d.type, d.rows) for d in found.new} == {
        ("note", "gone", "text", 5),
        ('it\'s "new"', "unknown", "number or text", 5),
    }
    assert drift_notes.note("shop", {"orders": bad}, expected, settings).new == []
    with connect(settings) as con:
        assert {d.rows for d in drift.read_open(con, "stg_ops", "shop")} == {10}
        assert drift.read_open(con, "stg_ops", "other") == []
    drift_notes.note("shop", {"orders": good}, expected, settings)
    with connect(settings) as con:
        found = drift.read_open(con, "stg_ops")
    assert [(d.path, d.first_seen) for d in found] == [('it\'s "new"', datetime(2026, 1, 1, 6))]


def test_what_waits(settings):
    waits = Waiting(settings)
    waits.hold({"sales": {"b", "a"}, "empty": set()}, "a check's reason", "digest")
    waits.hold({"sales": {"a"}}, "another", "")
    assert {n: (h.sources, h.reason, h.checks) for n, h in waits.domains().items()} == {
        "sales": (frozenset({"a"}), "another", ""),
        "empty": (frozenset(), "a check's reason", "digest"),
    }
    assert waits.domains()["sales"].since.isoformat() == "2026-01-01T06:00:00+00:00"
    waits.release({"sales", "none"})
    assert set(waits.domains()) == {"empty"}
    assert waits.models("x") is None
    waits.note_models("x", ["a.b", "c.d"], {})
    assert (waits.models("x"), waits.models("y")) == (["a.b", "c.d"], None)
    waits.note_models("y", [], {"models/a.sql": "line 3"})
    assert (waits.models("x"), waits.models("y")) == (None, [])


def test_what_is_filled_and_built(settings):
    assert "recorded" in filled_sources(settings) and "stg_recorded" in built_schemas(settings)
