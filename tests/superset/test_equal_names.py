"""Tables of one name in two domains are two datasets, in a new Superset and in one that refused them before."""

import sqlite3

import duckdb
import pytest

import settings as configuration
from superset.door import ASSETS, import_assets
from superset.scripts import files
from tests import needs

pytestmark = [pytest.mark.slow, pytest.mark.samples]
DATASET = {
    "database_uuid": "d1dd951b-03ae-539a-9276-b9836c796b63",
    "table_name": "order_lines",
    "version": "1.0.0",
    "metrics": [{"metric_name": "lines", "expression": "COUNT(*)"}],
    "columns": [{"column_name": "n", "type": "INTEGER"}],
}


def write(folder, *schemas):
    """The shipped database and the datasets that security.yml names or that share a name, and an `order_lines` of each schema."""
    (folder / "datasets").mkdir(parents=True, exist_ok=True)
    (folder / "databases").mkdir(exist_ok=True)
    for name in (
        "databases/millrace.yaml",
        "datasets/sales.order_lines.yaml",
        "datasets/deftunes.order_items_vw.yaml",
    ):
        (folder / name).write_text((ASSETS / name).read_text())
    for number, schema in enumerate(schemas):
        document = DATASET | {"schema": schema, "uuid": f"{number}f3f1c1e-1111-5222-8333-444455556666"}
        (folder / "datasets" / f"{schema}.order_lines.yaml").write_text(files.dump(document))
    return folder


def forbid_equal_names(path):
    """Make Superset's metadata as its own migrations leave it on SQLite."""
    with sqlite3.connect(path, isolation_level=None) as con:
        con.execute("PRAGMA foreign_keys = OFF")
        [(sql,)] = con.execute("SELECT sql FROM sqlite_master WHERE name = 'tables'").fetchall()
        assert "UNIQUE (table_name)" not in sql
        wanted = sql.rstrip(" )\n") + "),\n\tUNIQUE (table_name)\n)"
        con.execute(wanted.replace('"tables"', "fresh", 1))
        con.execute("INSERT INTO fresh SELECT * FROM tables")
        con.execute("DROP TABLE tables")
        con.execute("ALTER TABLE fresh RENAME TO tables")


def datasets(path):
    with sqlite3.connect(path) as con:
        columns = "(SELECT count(*) > 0 FROM table_columns AS c WHERE c.table_id = t.id)"
        query = f"SELECT \"schema\", {columns} FROM tables AS t WHERE table_name = 'order_lines' ORDER BY 1"
        return con.execute(query).fetchall()


@pytest.mark.nightly
def test_two_domains_hold_tables_of_one_name(tmp_path, monkeypatch):
    needs.superset()
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    settings = configuration.load_dashboards()
    settings.data.mkdir()
    with duckdb.connect(str(settings.serving)) as con:
        for schema in ("music", "sales", "taxi"):
            con.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.order_lines AS SELECT 1 AS n")
    metadata = settings.superset / "superset.db"
    import_assets(settings, over_edits=False, assets=write(tmp_path / "assets", "music"))
    assert datasets(metadata) == [("music", 1), ("sales", 1)]
    with sqlite3.connect(metadata) as con:
        music = "(SELECT id FROM tables WHERE \"schema\" = 'music')"
        for table in ("table_columns", "sql_metrics"):
            con.execute(f"DELETE FROM {table} WHERE table_id = {music}")
        con.execute(f"DELETE FROM tables WHERE id = {music}")
    forbid_equal_names(metadata)
    assert datasets(metadata) == [("sales", 1)]
    import_assets(settings, over_edits=True, assets=write(tmp_path / "assets", "music", "taxi"))
    assert datasets(metadata) == [("music", 1), ("sales", 1), ("taxi", 1)]
