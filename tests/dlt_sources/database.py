"""A declared source of one database table for the tests, and looks at what became of its rows."""

import contextlib

import psycopg2
import yaml

from dlt_sources.door import land, load_sources, refine
from tests.dlt_sources.shop import query

CONTRACT = """
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id", path=["id", "new_id"])
"""


def declare(tmp_path, monkeypatch, dsn, fields='    v: str | None = column("v")', schema="s", **table):
    """The source `shop` with the table `things`: a contract with `id` and `fields`."""
    monkeypatch.setenv("ELT_SHOP_URL", dsn)
    folder = tmp_path / "sources" / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "description": "things",
        "owner": "me",
        "schedule": "* * * * *",
        "connector": "sql_database",
        "connection": {"url": "${SHOP_URL}", "chunk_size": 3} | ({"schema": schema} if schema else {}),
        "tables": {
            "things": {"table": "things", "contract": "Thing", "key": ["id"], "max_rejected": {"share": 1}, **table}
        },
    }
    (folder / "source.yml").write_text(yaml.safe_dump(content))
    (folder / "contract.py").write_text(CONTRACT + fields + "\n")
    return load_sources(folder.parent)["shop"]


def run(shop, here):
    """Land and refine: (landed, accepted, rejected) rows of `things`; none is unaccounted for."""
    landed = land(shop, here).get("things", 0)
    done = refine(shop, here)
    assert landed == done.landed["things"] == done.accepted["things"] + done.rejected["things"]
    return landed, done.accepted["things"], done.rejected["things"]


def staged(here, what="id, v"):
    return query(here, f"SELECT {what} FROM stg_shop.things ORDER BY ALL")


def rejected(here):
    """(number in the load, field, rule) of the rejected rows."""
    return query(here, "SELECT row_number, field, rule FROM stg_shop._rejected ORDER BY 1")


def execute(postgres, *statements, database="postgres"):
    """Run statements as the server's own superuser."""
    where = {"host": str(postgres._sockets), "port": postgres.port, "user": "postgres", "dbname": database}
    with contextlib.closing(psycopg2.connect(**where)) as con:
        con.autocommit = True
        for statement in statements:
            con.cursor().execute(statement)
