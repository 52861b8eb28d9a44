"""The sources and models of the soak: every connector that has an upstream, every mode, and gold of every kind that the demo uses."""

from __future__ import annotations

from pathlib import Path

import yaml

CONTRACT = '''"""What the rows are."""

from datetime import datetime

from dlt_sources.contract import Contract, column


class Thing(Contract):
    """One thing."""

    id: int = column("The thing", ge=1)
    name: str = column("Its name", min_length=1, max_length=20)
    qty: int = column("How many", ge=0)


class Line(Contract):
    """One line of a file."""

    source_file: str = column("Its file", path="_file", max_length=100)
    source_row: int = column("Its row in the file", path="_file_row", ge=0)
    id: int = column("The thing", ge=1)
    qty: int = column("How many", ge=0)


class Move(Contract):
    """One thing that moved."""

    id: int = column("The move", ge=1)
    name: str = column("What moved", min_length=1, max_length=20)
    qty: int = column("How many", ge=0)
    at: datetime = column("When, UTC")
'''
_HTTP = {"timeout": 1.5, "attempts": 2, "backoff": 0}
_LIMIT = {"share": 0.9, "rows": 1000}
_THING = {"contract": "Thing", "key": ["id"], "max_rejected": _LIMIT}
_BOTH = {"sinks": ["warehouse", "postgres"]}
SOURCES = {
    "shop": {
        "connector": "files",
        "connection": {"url": "${SHOP_FILES}"},
        "tables": {
            "orders": {**_THING, "files": "orders_*.csv", "mode": "upsert"},
            "clicks": {
                **_THING,
                "files": "clicks_*.csv",
                "contract": "Line",
                "key": ["source_file", "source_row"],
                "mode": "append",
            },
        },
    },
    "feed": {
        "connector": "rest_api",
        "connection": {"base_url": "${FEED_URL}", **_HTTP},
        "tables": {
            "moves": {
                **_THING,
                **_BOTH,
                "contract": "Move",
                "endpoint": {"path": "moves", "data_selector": "data", "window": {"since": "from", "until": "to"}},
                "cursor": "at",
                "overlap": "P1D",
                "start": "2026-01-01",
            },
            "levels": {**_THING, "endpoint": {"path": "levels", "data_selector": "data"}, "mode": "replace"},
        },
    },
    "depot": {
        "connector": "sql_database",
        "connection": {"url": "${DEPOT_URL}", "schema": "depot"},
        "tables": {
            "parts": {**_THING, **_BOTH, "table": "parts", "mode": "scd2", "deletes": "soft"},
            "bins": {**_THING, "table": "bins", "deletes": "reconcile"},
        },
    },
}
_MERGED = "INCREMENTAL_BY_UNIQUE_KEY (\n    unique_key id\n  )"
_BY_FILE = "INCREMENTAL_BY_PARTITION,\n  partitioned_by source_file"
_SINCE = "WHERE\n  @REFINED_SINCE(t._refine_id)"
_ROW = {"id": "BIGINT", "name": "VARCHAR(80)", "qty": "BIGINT"}
_SUM = {"lines": "COUNT(*)::BIGINT", "qty": "SUM(t.qty)::BIGINT"}
_VERSION = "ROW_NUMBER() OVER (PARTITION BY t.id ORDER BY t._load_id::DOUBLE PRECISION, t._row)::INTEGER"
MODELS: dict[str, tuple[str, dict[str, str], str]] = {
    "shop.orders_now": (_MERGED, {n: f"t.{n}::{k}" for n, k in _ROW.items()}, f"stg_shop.orders AS t\n{_SINCE}"),
    "shop.clicks_by_file": (
        _BY_FILE,
        {"source_file": "t.source_file::VARCHAR(400)", "source_row": "t.source_row::BIGINT", "qty": "t.qty::BIGINT"},
        f"stg_shop.clicks AS t\n{_SINCE}",
    ),
    "shop.orders_sum": ("VIEW", _SUM, "shop_gold.orders_now AS t"),
    "feed.moves_now": (_MERGED, {n: f"t.{n}::{k}" for n, k in _ROW.items()}, f"stg_feed.moves AS t\n{_SINCE}"),
    "feed.levels_now": ("FULL", {n: f"t.{n}::{k}" for n, k in _ROW.items()}, "stg_feed.levels AS t"),
    "depot.parts_history": (
        "FULL",
        {"version": _VERSION, "is_gone": "t._deleted::BOOLEAN", **{n: f"t.{n}::{k}" for n, k in _ROW.items()}},
        "stg_depot.parts AS t",
    ),
    "depot.bins_sum": ("VIEW", _SUM, "stg_depot.bins AS t"),
}
EDITED = "shop_gold/orders_now.sql"
"""The model that a trial edits before `plan`; its rows stay the same."""


def declare(code: Path) -> None:
    """Write the sources and the models into a checkout."""
    for name, declared in SOURCES.items():
        folder = code / "dlt_sources" / name
        folder.mkdir()
        head = {"description": "things", "owner": "me", "schedule": "@daily"}
        (folder / "source.yml").write_text(yaml.safe_dump({**head, **declared}, sort_keys=False))
        (folder / "contract.py").write_text(CONTRACT)
    for name in MODELS:
        path = code / "sqlmesh_project/models" / f"{name.replace('.', '_gold/')}.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_text(_model(name))
        (code / f"sqlmesh_project/tests/test_{name.replace('.', '_')}.yaml").write_text(_unit_test(name))


def edit(code: Path, number: int) -> None:
    """Change the text of a model, and none of its rows."""
    path = code / "sqlmesh_project/models" / EDITED
    path.write_text(_model("shop.orders_now").replace("t.qty::BIGINT AS", f"(t.qty + {number} - {number})::BIGINT AS"))


def _model(name: str) -> str:
    kind, columns, source = MODELS[name]
    described = ", ".join(f"{column} = 'What it is'" for column in columns)
    listed = ",\n".join(f"  {expression} AS {column}" for column, expression in columns.items())
    grain = [name for name in columns if name in ("id", "version", "source_file", "source_row", "lines")]
    grouped = "" if "COUNT" not in listed else "\nHAVING\n  COUNT(*) > 0"
    return (
        f"MODEL (\n  name {name.replace('.', '_gold.')},\n  kind {kind},\n  owner analytics,\n  description 'Things.',\n"
        f"  grain ({', '.join(grain)}),\n  column_descriptions ({described}),\n"
        f"  audits (NOT_NULL(columns := ({', '.join(grain)})), UNIQUE_COMBINATION_OF_COLUMNS(columns := ({', '.join(grain)})))\n);\n\nSELECT\n{listed}\nFROM {source}{grouped};\n"
    )


def _unit_test(name: str) -> str:
    source = MODELS[name][2].split()[0]
    row = {"id": 1, "qty": 2, "_refine_id": "9" * 20} | ({"_row": 1, "_load_id": "1"} if "history" in name else {})
    if source.startswith("shop_gold"):
        row = {"id": 1, "qty": 2}
    test = {"model": name.replace(".", "_gold."), "inputs": {source: [row]}}
    test["outputs"] = {"partial": True, "query": [{"qty": 2}]}
    return yaml.safe_dump({f"test_{name.replace('.', '_')}": test})
