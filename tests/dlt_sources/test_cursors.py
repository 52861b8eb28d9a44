"""A cursor is read where its field's value is, and asks for what is new only: by path, by any of several, of any source."""

from datetime import UTC, datetime

import pytest
import yaml

import settings as configuration
from dlt_sources._steps.land.connectors import sql_database
from dlt_sources.door import SourceError, land, load_sources, refine
from tests.dlt_sources.test_land import staged

CONTRACT = """
from datetime import date, datetime
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id", path=["thing_id", "id"])
    name: str | None = column("name", max_length=40)
    at: {kind} | None = column("moment", path={path}, default=None)
"""
EXTRACT = """
import json
from pathlib import Path
def things(request, values):
    with Path(values["log"]).open("a") as log:
        log.write(f"{request.since}\\n")
    yield from json.loads(Path(values["rows"]).read_text())
"""


@pytest.fixture
def here(tmp_path, monkeypatch, postgres):
    for name, value in {
        "ELT_DATA_DIR": str(tmp_path / "data"),
        "ELT_NOW": "2020-02-10T12:00:00",
        "ELT_SHOP_URL": postgres.dsn,
    }.items():
        monkeypatch.setenv(name, value)
    return configuration.load()


def source_of(folder, connector, path, kind="datetime", connection=None, **table):
    shop = folder / "sources" / "shop"
    shop.mkdir(parents=True, exist_ok=True)
    content = {
        "description": "x",
        "owner": "me",
        "schedule": "@daily",
        "connector": connector,
        "connection": connection or {},
        "tables": {"things": {"contract": "Thing", "key": ["id"], **table}},
    }
    (shop / "source.yml").write_text(yaml.safe_dump(content))
    (shop / "contract.py").write_text(CONTRACT.format(kind=kind, path=path))
    (shop / "extract.py").write_text(EXTRACT)
    return load_sources(folder / "sources")["shop"]


def database(folder, path, kind="datetime", **table):
    connection = {"url": "${SHOP_URL}", "schema": "deftunes"}
    return source_of(folder, "sql_database", path, kind, connection, table="things", cursor="at", **table)


def execute(postgres, statement):
    with postgres.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def asked(monkeypatch):
    """How many rows the database sent in each read: what the cursor did not ask for must not come."""
    from dlt_sources._steps.land import connect

    counts = []
    original = sql_database.read

    def read(request, connection):
        rows = list(original(request, connection))
        counts.append(sum(len(page) for page in rows))
        return rows

    monkeypatch.setattr(sql_database, "read", read)
    assert connect.connect
    return counts


@pytest.mark.parametrize(
    ("path", "kind", "column", "type_"),
    [
        ('["changed", "modified"]', "datetime", "changed", "timestamp"),
        ('["gone", "Modified At"]', "datetime", '"Modified At"', "timestamp"),
        ('"changed"', "datetime", "changed", "timestamptz"),
        ('["x", "day"]', "date", "day", "date"),
        ("None", "datetime", "at", "timestamp"),
    ],
)
def test_a_database_is_asked_by_the_column_the_field_is_read_from(
    tmp_path, here, postgres, asked, path, kind, column, type_
):
    execute(
        postgres,
        f"DROP TABLE IF EXISTS deftunes.things; CREATE TABLE deftunes.things (id int, name text, {column} {type_})",
    )
    execute(
        postgres,
        "INSERT INTO deftunes.things VALUES (1, 'old', '2020-02-01'), (2, 'new', '2020-02-09'), (3, 'none', NULL)",
    )
    shop = database(tmp_path, path, kind)
    assert land(shop, here) == {"things": 3}
    execute(postgres, "INSERT INTO deftunes.things VALUES (4, 'newer', '2020-02-10'), (5, 'too late', '2020-02-05')")
    assert land(shop, here) == {"things": 1}
    assert asked == [3, 3]  # the newest so far, the newer one and the one without a time; neither old nor too late
    refine(shop, here)
    assert staged(here) == [(1, "old"), (2, "new"), (3, "none"), (4, "newer")]


def test_a_column_that_is_renamed_is_asked_by_its_new_name(tmp_path, here, postgres, asked):
    execute(
        postgres, "DROP TABLE IF EXISTS deftunes.things; CREATE TABLE deftunes.things (id int, name text, a timestamp)"
    )
    execute(postgres, "INSERT INTO deftunes.things VALUES (1, 'one', '2020-02-01'), (2, 'two', '2020-02-09')")
    shop = database(tmp_path, '["b", "a"]')
    assert land(shop, here) == {"things": 2}
    execute(
        postgres,
        "ALTER TABLE deftunes.things RENAME a TO b; INSERT INTO deftunes.things VALUES (3, 'three', '2020-02-10')",
    )
    land(shop, here)
    assert asked == [2, 2]


@pytest.mark.parametrize(
    ("type_", "said"),
    [
        ("text", "the column changed is text, not a date or timestamp"),
        ("bigint", "the column changed is int8"),
        (None, "has no column changed or at; if it was renamed"),
    ],
)
def test_a_column_that_cannot_be_asked_is_an_error_not_a_read_of_everything(tmp_path, here, postgres, type_, said):
    more = f", changed {type_}" if type_ else ""
    execute(postgres, f"DROP TABLE IF EXISTS deftunes.things; CREATE TABLE deftunes.things (id int, name text{more})")
    execute(postgres, "INSERT INTO deftunes.things (id, name) VALUES (1, 'one')")
    with pytest.raises(SourceError, match=said) as error:
        land(database(tmp_path, '["changed", "at"]'), here)
    assert "shop.things: cursor at" in str(error.value)


@pytest.mark.parametrize(
    ("path", "made", "newest"),
    [
        ('"at"', lambda at: {"at": at}, "2020-02-09 12:00:00+00:00"),
        ('"meta.times[1]"', lambda at: {"meta": {"times": [0, at]}}, "2020-02-09 12:00:00+00:00"),
        ('["was", "now"]', lambda at: {"now": at}, "2020-02-09 12:00:00+00:00"),
        ('"at"', lambda at: {"at": at + "+02:00"}, "2020-02-09 10:00:00+00:00"),
        ('"at"', lambda at: {"at": at + "Z"}, "2020-02-09 12:00:00+00:00"),
    ],
)
def test_records_of_json_move_the_cursor_by_the_path(tmp_path, here, path, made, newest):
    import json

    rows, log = tmp_path / "rows.json", tmp_path / "log"
    moments = ("2020-02-01T00:00:00", "2020-02-09T12:00:00", "9999-12-31T23:59:59")
    rows.write_text(json.dumps([{"id": n, "name": "x", **made(at)} for n, at in enumerate(moments[:2])] + [{"id": 9}]))
    connection = {"values": {"rows": str(rows), "log": str(log)}}
    shop = source_of(tmp_path, "python", path, connection=connection, cursor="at", overlap="PT0S")
    land(shop, here)
    land(shop, here)
    assert log.read_text().splitlines() == ["None", newest]
    rows.write_text(json.dumps([{"id": 5, "name": "x", **made(moments[2])}]))  # the last moment there is hides nothing
    land(shop, here)
    land(shop, here)
    assert log.read_text().splitlines()[-1] in (newest, str(datetime(2020, 2, 10, 12, tzinfo=UTC)))


def test_rows_that_vanish_are_found_by_whichever_path_their_key_has(tmp_path, here, postgres):
    execute(
        postgres, "DROP TABLE IF EXISTS deftunes.things; CREATE TABLE deftunes.things (id int, name text, at timestamp)"
    )
    execute(postgres, "INSERT INTO deftunes.things VALUES (1, 'one'), (2, 'two'), (3, 'three')")
    connection = {"url": "${SHOP_URL}", "schema": "deftunes"}
    shop = source_of(tmp_path, "sql_database", "None", "datetime", connection, table="things", deletes="reconcile")
    land(shop, here), refine(shop, here)
    execute(postgres, "DELETE FROM deftunes.things WHERE id = 3")
    assert land(shop, here) == {"things": 1}
    refine(shop, here)
    assert staged(here) == [(1, "one"), (2, "two")]
    execute(
        postgres, "ALTER TABLE deftunes.things RENAME id TO thing_id; DELETE FROM deftunes.things WHERE thing_id = 2"
    )
    land(shop, here), refine(shop, here)  # renamed, as the contract knows, and one more gone
    assert staged(here) == [(1, "one")]
