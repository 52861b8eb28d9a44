"""Where a replay begins."""

from __future__ import annotations

from datetime import UTC, datetime

from errors import ExitCode, MillraceError
from settings import Settings
from warehouse.connection import connect, exists
from warehouse.quote import identifier
from warehouse.staging import REJECTED, staging_schema

from ..declared.declaration import Source
from ..stores.lake import Landing


class NothingToReplayError(MillraceError):
    """There is no landed load to send through the contract again."""

    exit_code = ExitCode.CONFIGURATION


def find_first_load(source: Source, rejected: bool, since: datetime | None, settings: Settings) -> str:
    """Under the run lock: the landed load to replay from; everything after it follows, so that the newest version of a row wins again.

    Args:
        rejected: from the oldest load that has rejected rows.
        since: from the first load that was read on or after this day (UTC, by the clock of the read).

    Raises:
        NothingToReplayError: no load fits.
    """
    loads = Landing(source.name, settings).loads()
    if rejected and exists(settings):
        with connect(settings) as con:
            rejects = f"{identifier(staging_schema(source.name))}.{identifier(REJECTED)}"
            found = con.execute(f"SELECT DISTINCT load_id FROM {rejects}").fetchall()
        loads = sorted((load for (load,) in found if load in set(loads)), key=float)
    if since:
        loads = [load for load in loads if float(load) >= since.replace(tzinfo=UTC).timestamp()]
    if not loads:
        raise NothingToReplayError(
            f"{source.name}: no landed load fits; `python runner.py status` shows what has landed"
        )
    return loads[0]
