"""How far a table with a cursor has been read: kept so that a machine's clock that was wrong for a while hides no row.

The cursor follows the rows that came. The clock only bounds it: a row dated in the future must not hide those between. So
a cursor that lies in the future was bounded by a clock that was ahead, and an earlier one is believed instead.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .source_yml import Table

KEEP = 40
"""Days of which the last cursor is kept."""


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


def advance(memory: dict[str, Any], table: Table, reached: datetime | None, now: datetime) -> None:
    """Remember that the table was read up to `reached`; None: no row says how far.

    Args:
        memory: is changed.
    """
    if reached is None:
        return
    known = [cursor for cursor in _known(memory) if cursor <= now or table.mode == "append"]
    reached = max([min(reached, now), *known])
    days = {f"{cursor:%Y-%m-%d}": cursor.isoformat() for cursor in sorted([*known, reached])}
    memory["cursor"] = reached.isoformat()
    memory["cursors"] = [days[day] for day in sorted(days)][-KEEP:]


def _known(memory: dict[str, Any]) -> list[datetime]:
    """The cursors that are kept, in order; the newest is that of the last read."""
    texts = {*memory.get("cursors", []), *([memory["cursor"]] if "cursor" in memory else [])}
    return sorted(datetime.fromisoformat(text) for text in texts)
