"""The pipeline's record, for reading: the warehouse, or while a run holds that, the copy that was last published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from settings import Settings
from warehouse import connection
from warehouse.connection import Connection, RunInProgressError, WarehouseError, connect

INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Record:
    """The record as it can be read now.

    Attributes:
        con: None: there is none yet.
        live: it is the warehouse itself, or there is nothing yet; else the copy that was published last.
        why: why the copy is read; of the warehouse empty.
        running: whether a run is in progress.
    """

    con: Connection | None
    live: bool = True
    why: str = ""
    running: bool = False

    @property
    def ops(self) -> str:
        """The schema that holds it."""
        return "stg_ops" if self.live else "ops"


@contextmanager
def looking(settings: Settings) -> Iterator[None]:
    """Open the warehouse for reading only while the block runs, and leave it to a run that is in progress."""
    from foundation.lock import is_held

    with connection.looking(lambda: not settings.aws and is_held(settings)):
        yield


@contextmanager
def record(settings: Settings) -> Iterator[Record]:
    """The record, for reading: in the warehouse; while a run, or another program, has that, in the published copy."""
    import duckdb

    if not settings.aws and not settings.warehouse.exists():
        yield Record(None)
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(looking(settings))
            found = Record(stack.enter_context(connect(settings)))
        except RunInProgressError:
            found = Record(None, False, "a run is in progress", running=True)
        except WarehouseError as error:
            if settings.aws:
                raise
            found = Record(None, False, str(error))
        if not found.live and settings.serving.exists():
            with suppress(duckdb.Error):  # a file that is damaged, which the next run restores
                copy = duckdb.connect(str(settings.serving.resolve()), read_only=True)
                found = replace(found, con=stack.enter_context(copy))
        yield found


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
    from foundation.lock import is_held

    [newest] = rows(con, f"SELECT max(run_id) AS run_id FROM {ops}.runs")
    return bool(row["run_id"] == newest["run_id"]) and is_held(settings)
