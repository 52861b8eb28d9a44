"""Publish on AWS: gold copied into a database of its own, which is all that dashboards may read, in one transaction.

Redshift's readers see the last commit and hold no writer up as long as nothing is dropped: so a table's rows are deleted
and inserted, of a large one those that differ (`copy_redshift`). Only a table whose columns changed is made again; that waits
for the queries that read it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .copy_redshift import Columns, copy_domain
from .published import Layouts, Published, note_run, read_built, read_known, read_stored, remember
from .redshift import Redshift

if TYPE_CHECKING:
    from settings import Settings


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
        stored = {domain: read_stored(gold, domain, tables) for domain, tables in wanted.items()}
        known_layouts = layouts() if wanted != there else {}
        with _transaction(serving):
            rows = {
                domain: copy_domain(
                    serving, settings.redshift_database, domain, tables, there[domain], known_layouts, stored[domain]
                )
                for domain, tables in wanted.items()
            }
            note_run(serving, run_id if "ops" in wanted else "")
        remember(gold, (known - lost) | rows.keys() | (lost & set(held)))
        return Published({name: rows[name] for name in sorted(domains)}, sorted(restored), sorted(lost & set(held)))


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
