"""Open a DuckDB file that others may have open, too: wait for who reads it for a moment, and say who keeps it.

DuckDB locks a file for as long as a process has it open: many may read, or one may write.
"""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from errors import ExitCode, MillraceError

if TYPE_CHECKING:
    import duckdb

PATIENCE = 30.0  # seconds
GLANCE = 2.0
"""Seconds that who only looks waits; and after which a writer says that it waits."""
_AGAIN = 0.02
_refused: dict[Path, tuple[float, float]] = {}
"""Per file that could not be opened: when it was first so, and when last. The wait is one for all that a run does."""
_kept: dict[Path, duckdb.DuckDBPyConnection | None] = {}
"""Files that stay open (see `keep_open`), each with the connection that keeps it so; None: nobody has opened it yet."""


class WarehouseError(MillraceError):
    """The warehouse could not be opened or written; what was committed before is untouched."""

    exit_code = ExitCode.STORE


class HeldError(WarehouseError):
    """Another process has the file open, and keeps it."""

    names_store = True


@contextlib.contextmanager
def keep_open(path: Path) -> Iterator[None]:
    """Once a file is opened for writing, keep it open until the block ends: to open and to close one takes DuckDB 40 ms, and
    a run does both a hundred times.
    """
    _kept[path] = None
    try:
        yield
    finally:
        if con := _kept.pop(path):
            con.close()


def close(path: Path, con: duckdb.DuckDBPyConnection) -> None:
    """Close a connection to a file. What it wrote is moved from the log into the file, as it is where nothing keeps the file
    open: after a kill there is little to read again.
    """
    import duckdb

    if _kept.get(path):
        log = path.with_name(f"{path.name}.wal")
        with contextlib.suppress(duckdb.Error, OSError):  # another connection is in a transaction: it does it later
            if log.exists() and log.stat().st_size:
                con.execute("CHECKPOINT")
    con.close()


def open_file(path: Path, *, read_only: bool = False, patience: float = PATIENCE) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file; one that is to be written is made where it is missing, and only its owner can read it.

    Args:
        patience: seconds that a writer waits for others to close it: a look takes a moment, a SQL shell stays.

    Raises:
        HeldError: another process keeps it open; says which and what to do. WarehouseError: it cannot be opened.
    """
    import duckdb

    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    patience, told = (GLANCE if read_only else patience), read_only
    while True:
        try:
            con = _connect(path, read_only)
        except duckdb.Error as error:
            if not _is_locked(error):
                raise WarehouseError(explain_refused(path, error)) from error
            waited = _wait(path)
            if waited >= patience:
                raise HeldError(_explain_held(path, error)) from error
            if waited >= GLANCE and not told:
                told = True
                print(f"{path} is open in {holder(path, error)}; waiting up to {patience:.0f} s", file=sys.stderr)
            time.sleep(_AGAIN)
            continue
        _refused.pop(path, None)
        if not read_only:
            path.chmod(0o600)  # staging may hold personal fields that are kept in clear
        return con


def _connect(path: Path, read_only: bool) -> duckdb.DuckDBPyConnection:
    import duckdb

    con = duckdb.connect(str(path), read_only=read_only)
    if path in _kept and not read_only:
        try:
            con.execute("SELECT 1")
        except duckdb.Error:  # DuckDB refuses everything after a failed write to disk, until the file is opened again
            con.close()
            if kept := _kept[path]:
                kept.close()
            _kept[path] = None
            con = duckdb.connect(str(path))
        _kept[path] = _kept[path] or duckdb.connect(str(path))  # not a cursor, which would be closed with it
    return con


def _wait(path: Path) -> float:
    """Seconds since the file could first not be opened; of an earlier wait that is over, none."""
    now = time.monotonic()
    first, last = _refused.get(path, (now, now))
    if now - last > PATIENCE / 2:
        first = now
    _refused[path] = first, now
    return now - first


def _is_locked(error: BaseException) -> bool:
    return "Could not set lock" in str(error)


def holder(path: Path, error: BaseException | None = None) -> str:
    """Who has a file open: the program and its process id, as DuckDB says, else as the system does."""
    found = re.search(r"held in (.*?) ?\(PID (\d+)\)|PID:? (\d+)", str(error or ""))
    program, pid = (found[1] or "", found[2] or found[3]) if found else ("", _locked_by(path))
    if not pid:
        return "another process"
    return f"another process: {program or _program(pid)} (PID {pid}; `ps -fp {pid}` shows its command)"


def _locked_by(path: Path) -> str:
    """The process that has locked a file; empty where the system does not say."""
    try:
        inode = path.stat().st_ino
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return ""
    return next((line.split()[4] for line in lines if line.split()[5].endswith(f":{inode}")), "")


def _program(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "a program"


def _explain_held(path: Path, error: BaseException) -> str:
    return (
        f"{path} is open in {holder(path, error)}. DuckDB lets one process write at a time: close it there (a SQL shell?)"
        " and run again; what was committed before is untouched"
    )


def explain_refused(path: Path, error: Exception) -> str:
    """Why a file that is there could not be opened, and what to do next."""
    text = (str(error).splitlines() or [type(error).__name__])[0].rstrip("!.")
    return f"{path} cannot be opened: {text}. If it is damaged, move it away: `python runner.py run --now` makes it again from landing"
