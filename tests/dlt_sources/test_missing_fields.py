"""A required field that no row of a read has any more stops the read before anything lands, whatever the connector."""

import json
import os
import sqlite3

import pytest
import yaml

from dlt_sources._steps.contracts.columns import describe_missing
from dlt_sources._steps.declared.source_error import quote_value
from dlt_sources.contract import Contract, column
from dlt_sources.door import SourceError, land, load_sources, refine

CONTRACT = """
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id")
    title: str | None = column("title", path=["title", "label"], max_length=100)
    note: str | None = column("note", default=None, max_length=100)
"""
EXTRACT = """
import json
from pathlib import Path
import pyarrow as pa
def things(request, values):
    rows = json.loads(Path(values["file"]).read_text())
    made = {"arrow": lambda part: [pa.Table.from_pylist(part)], "dict": lambda part: part}[values["shape"]]
    for start in range(0, len(rows), 2):  # pages
        yield from made(rows[start:start + 2])
"""
GOOD = [{"id": n, "title": f"t{n}", "note": None} for n in range(1, 6)]


def declare(folder, connector, connection, **table):
    shop = folder / "sources" / "shop"
    shop.mkdir(parents=True, exist_ok=True)
    content = {
        "description": "x",
        "owner": "me",
        "schedule": "@daily",
        "connector": connector,
        "connection": connection,
        "tables": {"things": {"contract": "Thing", "key": ["id"], **table}},
    }
    (shop / "source.yml").write_text(yaml.safe_dump(content))
    (shop / "contract.py").write_text(CONTRACT)
    (shop / "extract.py").write_text(EXTRACT)
    return load_sources(folder / "sources")["shop"]


def by_python(shape):
    def source(folder, site):
        def write(rows):
            (folder / "rows.json").write_text(json.dumps(rows))

        return declare(folder, "python", {"values": {"file": str(folder / "rows.json"), "shape": shape}}), write

    return source


def by_api(folder, site):
    def write(rows):
        site.files["things"] = json.dumps(rows).encode()

    return declare(folder, "rest_api", {"base_url": site.url}, endpoint={"path": "things"}), write


def by_page(folder, site):
    def write(rows):
        cells = [list(rows[0]), *([str(value or "") for value in row.values()] for row in rows)]
        lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in cells[1:])
        head = "".join(f"<th>{cell}</th>" for cell in cells[0])
        site.files["page"] = f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>".encode()

    return declare(folder, "html_table", {"base_url": site.url}, page="page", selector="table"), write


def by_sqlite(folder, site):
    def write(rows):
        with sqlite3.connect(folder / "things.db") as con:
            con.execute("DROP TABLE IF EXISTS things")
            con.execute(
                f"CREATE TABLE things ({', '.join(f'{n} INTEGER' if n == 'id' else f'{n} TEXT' for n in rows[0])})"
            )
            con.executemany(
                f"INSERT INTO things VALUES ({', '.join('?' * len(rows[0]))})", [list(r.values()) for r in rows]
            )

    os.environ["ELT_SHOP_URL"] = f"sqlite:///{folder / 'things.db'}"
    return declare(folder, "sql_database", {"url": "${SHOP_URL}"}, table="things"), write


def by_files(folder, site):
    (folder / "drop").mkdir()

    def write(rows):
        lines = [",".join(rows[0]), *(",".join(str(value or "") for value in row.values()) for row in rows)]
        (folder / "drop" / f"{len(list((folder / 'drop').iterdir()))}.csv").write_text("\n".join(lines) + "\n")

    return declare(folder, "files", {"url": str(folder / "drop")}, files="*.csv", mode="upsert"), write


CONNECTORS = {
    "python, Arrow": by_python("arrow"),
    "python, records": by_python("dict"),
    "rest_api": by_api,
    "html_table": by_page,
    "sql_database": by_sqlite,
    "files": by_files,
}
CHANGES = {
    "renamed": lambda row: {"heading" if name == "title" else name: value for name, value in row.items()},
    "gone": lambda row: {name: value for name, value in row.items() if name != "title"},
}


@pytest.fixture(autouse=True)
def address(monkeypatch):
    """Its connector sets it; it is gone after the test."""
    monkeypatch.setenv("ELT_SHOP_URL", "")


@pytest.mark.few(5)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("connector", CONNECTORS)
def test_a_required_field_that_is_renamed_or_gone_stops_the_read(connector, change, here, site, tmp_path):
    source, write = CONNECTORS[connector](tmp_path, site)
    write(GOOD)
    land(source, here)
    assert refine(source, here).accepted["things"] == 5
    write([CHANGES[change](row) | {"id": row["id"] + 5} for row in GOOD])
    with pytest.raises(
        SourceError, match=r"no column title or label \(for Thing\.title\); it has .*contract\.py"
    ) as caught:
        land(source, here)
    assert caught.value.exit_code == (3 if connector == "files" else 2)  # another file may come
    assert not refine(source, here).landed


@pytest.mark.parametrize("connector", CONNECTORS)
def test_another_declared_name_and_a_missing_field_with_a_default_are_read(connector, here, site, tmp_path):
    source, write = CONNECTORS[connector](tmp_path, site)
    write(
        [{"label" if name == "title" else name: value for name, value in row.items() if name != "note"} for row in GOOD]
    )
    land(source, here)
    assert refine(source, here).accepted["things"] == 5


@pytest.mark.parametrize("connector", ["python, records", "rest_api"])
def test_records_of_which_one_has_the_field_are_judged_one_by_one(connector, here, site, tmp_path):
    source, write = CONNECTORS[connector](tmp_path, site)
    write([*({"id": row["id"]} for row in GOOD[:4]), GOOD[4]])
    land(source, here)
    done = refine(source, here)
    assert (done.accepted["things"], done.rejected["things"]) == (1, 4)


@pytest.mark.parametrize("connector", ["python, records", "rest_api"])
def test_a_single_record_without_the_field_is_a_rejected_row(connector, here, site, tmp_path):
    source, write = CONNECTORS[connector](tmp_path, site)
    write([{"id": 1}])
    land(source, here)
    assert refine(source, here).rejected["things"] == 1


def test_columns_of_a_database_that_nobody_declared_are_noted(here, site, tmp_path):
    source, write = by_sqlite(tmp_path, site)
    write([row | {"points": 1} for row in GOOD])
    unasked = {}
    land(source, here, unasked=unasked)
    assert list(unasked) == ["things"] and list(unasked["things"]) == ["points"]


def test_a_source_without_any_column_is_said_to_have_none():
    class Thing(Contract):
        id: int = column("id", path="Id")

    assert "no column Id (for Thing.id); it has none. If" in str(describe_missing(Thing, [], quote_value("")))
    assert "it has Name. If" in str(describe_missing(Thing, ["Name"], "Name"))
    assert describe_missing(Thing, ["Id"], "Id") is None
