"""What a publish did, and which domains dashboards should find: remembered in the warehouse, so that a publish notices what is missing."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from .connection import Connection

TABLE = "stg_ops.published_domains"
RECORD = "ops"
RECORD_SLICES = {"ops.rejected_rows": "load_id"}
"""Of the record's tables that may grow large the column of the slices."""
LARGE = 100_000
"""Rows from which on a published table is compared with gold before it is copied: smaller ones are copied sooner."""
Layouts = Mapping[str, Mapping[str, str]]
"""Per table (``domain.name``) its `diststyle`, `distkey` and `sortkey`, where its model declares them."""


@dataclass
class Published:
    """What one publish did.

    Attributes:
        rows: per published domain. restored: domains that dashboards could not find, or only as they were before, although
            they had been published: copied from gold again. missing: those that could not be restored, since gold has not
            passed its checks.
        damaged: what dashboards were to read and could not.
    """

    rows: dict[str, int]
    restored: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    damaged: str = ""


def read_known(con: Connection) -> set[str]:
    """The domains of the last publish; none where nothing was ever published."""
    query = (
        "SELECT 1 FROM information_schema.tables WHERE table_schema = 'stg_ops' AND table_name = 'published_domains'"
    )
    if not con.execute(query).fetchall():
        return set()
    return {str(domain) for (domain,) in con.execute(f"SELECT domain FROM {TABLE}").fetchall()}


def remember(con: Connection, domains: Collection[str]) -> None:
    """Note the domains that dashboards can read now."""
    if read_known(con) == set(domains):
        return
    con.execute("CREATE SCHEMA IF NOT EXISTS stg_ops")
    con.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (domain VARCHAR(100))")
    con.execute(f"DELETE FROM {TABLE}")
    for domain in sorted(domains):
        con.execute(f"INSERT INTO {TABLE} VALUES (?)", [domain])


def note_run(con: Connection, run_id: str) -> None:
    """Note in a copy of the record, which is not to be read yet, that a run has published it; in the database in use."""
    query = "SELECT 1 FROM information_schema.tables WHERE table_schema = 'ops' AND table_name = 'runs'"
    if run_id and con.execute(query).fetchall():
        con.execute("UPDATE ops.runs SET published = TRUE WHERE run_id = ?", [run_id])


def read_built(con: Connection) -> set[str]:
    """The schemas of the warehouse that hold a table or view."""
    return {
        str(name) for (name,) in con.execute("SELECT DISTINCT table_schema FROM information_schema.tables").fetchall()
    }


def read_stored(con: Connection, domain: str, tables: Collection[str]) -> set[str]:
    """Of these tables of a domain those whose rows are stored. To compare the others, which are queries, would be to run them twice.

    A table of gold is itself a view, of what SQLMesh stores under the table's name and a version. The views of the pipeline's
    own record only name what is stored: they count as stored.
    """
    if domain == RECORD:
        return set(tables)
    found = con.execute(
        "SELECT table_schema, table_name, table_type FROM information_schema.tables"
        " WHERE table_catalog = current_database() AND table_schema IN (?, ?)",
        [domain, f"sqlmesh__{domain}"],
    ).fetchall()
    version = re.compile(rf"{re.escape(domain)}__(.+?)__\d+(__dev)?")
    stored, computed = set[str](), set[str]()
    for schema, name, kind in found:
        known = name if schema == domain else match[1] if (match := version.fullmatch(name)) else ""
        if kind == "BASE TABLE":
            stored.add(known)
        elif schema != domain:
            computed.add(known)
    return (stored - computed) & set(tables)
