"""How far a table with a cursor has been read: kept so that a machine's clock that was wrong for a while hides no row.

The cursor follows the rows that came. The clock only bounds it: a row dated in the future must not hide those between. So
a cursor that lies in the future was bounded by a clock that was ahead, and an earlier one is believed instead.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

import duckdb

from ..declared.source_error import SourceError
from ..judge.raw_rows import values_at

if TYPE_CHECKING:
    from ..declared.source_yml import Table
    from .request import Request

KEEP = 40
"""Days of which the last cursor is kept."""
FROM = "from"
"""In what reads remember: from where on what the last read saw is kept; an empty text: all of it."""
BEYOND = "beyond"
"""How far an earlier read had come when the last one, by its clock, did not come as far."""

OWN = ("cursor", "cursors", "seen", FROM, BEYOND)
"""What is remembered of how far reads have come, beside what a connector remembers."""


def since(memory: dict[str, Any], table: Table, now: datetime) -> datetime | None:
    """Where the next read begins, aware UTC; None: with everything.

    Args:
        memory: what the reads of the table remember.
        now: by this machine's clock.
    """
    start = datetime.combine(table.start, time(), UTC) if table.start else None
    known = _known(memory)
    if not known:
        return start
    if table.mode == "append":  # a row that is read a second time is a second row: never go back
        return min(known[-1], now) - table.overlap
    believed = [cursor for cursor in known if cursor <= now]
    return believed[-1] - table.overlap if believed else start


def goes_back(memory: dict[str, Any], since: datetime | None) -> bool:
    """Whether a read from `since` on covers what the read before did not, though an earlier one may have."""
    if BEYOND in memory:
        return True
    covered = str(memory.get(FROM, ""))
    return bool(covered) and (since is None or since < datetime.fromisoformat(covered))


def advance(memory: dict[str, Any], table: Table, reached: datetime | None, now: datetime) -> None:
    """Remember that the table was read up to `reached`; None: no row says how far.

    Args:
        memory: is changed.
    """
    before = memory.pop(BEYOND, None)
    beyond = max([now, *_known(memory), *([datetime.fromisoformat(before)] if before else [])])
    if beyond > now:
        memory[BEYOND] = beyond.isoformat()
    if reached is None:
        return
    known = [cursor for cursor in _known(memory) if cursor <= now or table.mode == "append"]
    reached = max([min(reached, now), *known])
    days = {f"{cursor:%Y-%m-%d}": cursor.isoformat() for cursor in sorted([*known, reached])}
    memory["cursor"] = reached.isoformat()
    memory["cursors"] = [days[day] for day in sorted(days)][-KEEP:]


def newest_in(con: duckdb.DuckDBPyConnection, request: Request) -> datetime | None:
    """The newest value of the cursor in the view `page`; None where none says when it is.

    Raises:
        SourceError: the page has no column of the cursor's field.
    """
    table = request.table
    if not table.cursor:
        return None
    paths = request.paths[table.cursor]
    values = ", ".join(f"{value} AS v{n}" for n, value in enumerate(values_at(con, "page", paths)))
    if not values:
        raise SourceError(
            f"{request.source.name}.{request.name}: no column {' or '.join(str(path[0]) for path in paths)} to read"
            f" the cursor {table.cursor} from; if it was renamed, add the new name to the field's `path`"
        )
    found = []
    for name, kind in [row[:2] for row in con.execute(f"DESCRIBE SELECT {values} FROM page").fetchall()]:
        aware = kind == "VARCHAR" or "ZONE" in kind  # a text may name its offset; one without is UTC
        moment = (
            f"make_timestamp(epoch_us(TRY_CAST({name} AS TIMESTAMPTZ)))" if aware else f"TRY_CAST({name} AS TIMESTAMP)"
        )
        found += con.execute(
            f"SELECT max(moment) FROM (SELECT {moment} AS moment FROM (SELECT {values} FROM page))"
            " WHERE isfinite(moment) AND moment BETWEEN '0001-01-02' AND '9999-12-30'"
        ).fetchall()
    return max((moment.replace(tzinfo=UTC) for (moment,) in found if moment), default=None)


def _known(memory: dict[str, Any]) -> list[datetime]:
    """The cursors that are kept, in order; the newest is that of the last read."""
    texts = {*memory.get("cursors", []), *([memory["cursor"]] if "cursor" in memory else [])}
    return sorted(datetime.fromisoformat(text) for text in texts)
