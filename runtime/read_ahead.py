"""Pieces of a backfill that other processes read ahead, such as tasks of AWS side by side: what each does, and who starts them."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from errors import ExitCode

if TYPE_CHECKING:
    from dlt_sources.door import Declared


def read_piece(sources: Declared, name: str, batch: str, since: datetime, until: datetime) -> int:
    """Read one piece into the range that waits for the backfill of its batch; returns the exit code.

    Raises:
        DeclarationError, SourceError, SettingsError: it could not be read.
    """
    import settings as configuration
    from dlt_sources.door import DeclarationError, Range, RangeError, read_range
    from foundation.place import owner_only
    from foundation.signals import interruptible

    if name in sources.broken:
        raise DeclarationError(f"the declaration of {name} is broken: {sources.broken[name]}")
    settings = configuration.load()
    piece = Range(name, batch, since, until, settings)
    with interruptible(), owner_only():
        try:
            rows = read_range(sources[name], settings, piece)
        except RangeError as error:
            print(f"{name}: {piece} is left to its turn: {error}")
            return ExitCode.OK
    print(f"{name}: {piece} is read ahead: " + (" · ".join(f"{table} {n:,}" for table, n in rows.items()) or "no rows"))
    return ExitCode.OK


def show_pieces(source: str, since: datetime, until: datetime, days: int) -> None:
    """Print the input of the state machine of terraform/modules/backfill as JSON: what to read, under which name, and its pieces.
    It makes the commands itself.
    """
    from .backfill import pieces

    batch = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    ranges = [_days(piece.since, piece.until) for piece in pieces(since, until, days) if piece.since and piece.until]
    print(json.dumps({"source": source, "batch": batch, **_days(since, until), "days": str(days), "ranges": ranges}))


def _days(since: datetime, until: datetime) -> dict[str, str]:
    return {"since": f"{since:%Y-%m-%d}", "until": f"{until:%Y-%m-%d}"}
