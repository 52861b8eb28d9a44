"""Publish on AWS: gold copied into a database of its own, which is all that dashboards may read, in one transaction.

Redshift's readers see the last commit and hold no writer up as long as nothing is dropped: so a table's rows are deleted
and inserted. Only a table whose columns changed is made anew; that waits for the queries that read it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .published import Layouts, Published, note_run, read_built, read_known, remember
from .quote import identifier
from .redshift import Redshift

if TYPE_CHECKING:
    from settings import Settings

Columns = list[tuple[str, str]]


def publish(
    domains: Collection[str],
    settings: Settings,
    held: Collection[str] = (),
    run_id: str = "",
    layouts: Callable[[], Layouts] = dict,
) -> Published:
    """See `warehouse.publish.publish`.

    Raises:
        WarehouseError, LockError: nothing was published.
    """
    with (
        Redshift.connect(settings, settings.redshift_database) as gold,
        Redshift.connect(settings, settings.redshift_serving) as serving,
    ):
        known = read_known(gold)
        lost = known - read_built(serving) - set(domains)
        restored = (lost & read_built(gold)) - set(held)
        wanted = {domain: _tables(gold, domain) for domain in sorted({*domains, *restored})}
        there = {domain: _tables(serving, domain) for domain in wanted}
        known_layouts = layouts() if wanted != there else {}
        with _transaction(serving):
            rows = {
                domain: _copy(serving, settings.redshift_database, domain, tables, there[domain], known_layouts)
                for domain, tables in wanted.items()
            }
            note_run(serving, run_id if "ops" in wanted else "")
        remember(gold, (known - lost) | rows.keys() | (lost & set(held)))
        return Published({name: rows[name] for name in sorted(domains)}, sorted(restored), sorted(lost & set(held)))


def _copy(
    serving: Redshift,
    database: str,
    domain: str,
    wanted: dict[str, Columns],
    there: dict[str, Columns],
    layouts: Layouts,
) -> int:
    schema = identifier(domain)
    serving.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for table in there.keys() - wanted.keys():
        serving.execute(f"DROP TABLE {schema}.{identifier(table)}")
    rows = 0
    for table, columns in sorted(wanted.items()):
        name = f"{schema}.{identifier(table)}"
        listed = ", ".join(identifier(column) for column, _ in columns)
        if table in there and there[table] != columns:
            serving.execute(f"DROP TABLE {name}")
        if there.get(table) == columns:
            serving.execute(f"DELETE FROM {name}")
        else:
            declared = ", ".join(f"{identifier(column)} {kind}" for column, kind in columns)
            keys = _keys(layouts.get(f"{domain}.{table}", {}), columns)
            serving.execute(f"CREATE TABLE {name} ({declared}){keys}")
        serving.execute(f"INSERT INTO {name} ({listed}) SELECT {listed} FROM {identifier(database)}.{name}")
        rows += int((serving.execute(f"SELECT count(*) FROM {name}").fetchone() or (0,))[0])
    return rows


def _keys(layout: Mapping[str, str], columns: Columns) -> str:
    """SQL: how a new table is distributed and sorted. A column that the table lacks, as its model was edited, is left out."""
    known = {column for column, _ in columns}
    said = ""
    if (key := layout.get("distkey")) in known:
        said += f" DISTKEY ({identifier(str(key))})"
    elif layout.get("diststyle", "").upper() in ("ALL", "EVEN"):
        said += f" DISTSTYLE {layout['diststyle'].upper()}"
    if (key := layout.get("sortkey")) in known:
        said += f" SORTKEY ({identifier(str(key))})"
    return said


def _tables(session: Redshift, schema: str) -> dict[str, Columns]:
    """The tables and views of a schema: per name its columns with their types, in order."""
    found = session.execute(
        "SELECT table_name, column_name, data_type, character_maximum_length, numeric_precision, numeric_scale"
        " FROM svv_columns WHERE table_schema = ? ORDER BY table_name, ordinal_position",
        [schema],
    ).fetchall()
    tables: dict[str, Columns] = {}
    for table, column, kind, length, precision, scale in found:
        measure = f"({length})" if "char" in kind else f"({precision}, {scale})" if kind == "numeric" else ""
        tables.setdefault(table, []).append((column, f"{kind}{measure}"))
    return tables


@contextmanager
def _transaction(session: Redshift) -> Iterator[None]:
    from foundation.lock import ensure_held

    session.execute("BEGIN")
    try:
        yield
        ensure_held()
    except BaseException:
        session.roll_back()
        raise
    session.execute("COMMIT")
