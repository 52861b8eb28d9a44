"""The pipeline's record, for reading: the warehouse, or while a run holds that, the copy that was last published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from settings import Settings
from warehouse.connection import Connection, WarehouseError, connect

INTERRUPTED = "interrupted"


@contextmanager
def record(settings: Settings) -> Iterator[tuple[Connection | None, bool]]:
    """(a connection to the record, whether it is the warehouse itself): the published copy while a run holds the file."""
    import duckdb

    if settings.aws:  # Redshift lets everybody in
        with connect(settings) as cluster:
            yield cluster, True
        return

    for path, live in ((settings.warehouse, True), (settings.serving, False)):
        if path.exists():
            try:
                con = duckdb.connect(str(path.parent / path.readlink() if path.is_symlink() else path), read_only=True)
            except duckdb.IOException:
                continue
            with con:
                yield con, live
            return
    yield None, False


def rows(con: Connection | None, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """The query's rows as dicts; none when there is no record yet or it lacks the table. Times become ISO texts, UTC."""
    import duckdb

    if con is None:
        return []
    try:
        cursor = con.execute(query, parameters)
    except (duckdb.CatalogException, duckdb.BinderException):
        return []
    except WarehouseError as error:
        if "does not exist" in str(error):
            return []
        raise
    names = [column[0] for column in cursor.description or []]
    return [
        {
            n: v.replace(tzinfo=UTC).isoformat() if isinstance(v, datetime) else v
            for n, v in zip(names, row, strict=True)
        }
        for row in cursor.fetchall()
    ]


def runs(con: Connection | None, ops: str, settings: Settings, where: str, *values: Any) -> list[dict[str, Any]]:
    """Runs as people and machines read them, newest first. One that did not come to its end is ``interrupted``, unless a run
    is in progress: then the newest is that one.

    Args:
        ops: schema of the record.
        where: SQL that says which, with ``?`` for `values`.
    """
    # every column: an older warehouse, or an older published copy, has fewer
    found = rows(con, f"SELECT * FROM {ops}.runs {where}", values)
    shown = []
    for row in found:
        unended = row["status"] == "running" or row.get("ended") is False
        if unended and not _is_in_progress(row, con, ops, settings):
            row["status"] = INTERRUPTED
        elif unended:
            row["status"] = "running"
        begun, ended = (datetime.fromisoformat(row[n]) if row[n] else None for n in ("started_at", "finished_at"))
        names = ("command", "sources", "status", "exit_code", "landed", "accepted", "rejected", "published", "error")
        shown.append(
            {"run": row["run_id"], "started": row["started_at"], "finished": row["finished_at"]}
            | {"seconds": round((ended - begun).total_seconds(), 1) if begun and ended else None}
            | {name: row[name] for name in names}
        )
    return shown


def _is_in_progress(row: dict[str, Any], con: Connection | None, ops: str, settings: Settings) -> bool:
    from .lock import is_held

    [newest] = rows(con, f"SELECT max(run_id) AS run_id FROM {ops}.runs")
    return bool(row["run_id"] == newest["run_id"]) and is_held(settings)
