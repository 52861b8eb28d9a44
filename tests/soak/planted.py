"""Bugs that the soak must find: each changes the product in a command's own process, and nowhere else.

This file is run in that process, which knows the checkout's code and not the tests'.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

PAUSE = 1.0
"""Seconds that a bug's window is held open."""


def hold_open() -> None:
    """Stay where a strike does harm, and let the soak see it: random strikes would need more trials than a test has time for."""
    window = Path(os.environ["SOAK_WINDOW"])
    window.touch()
    time.sleep(PAUSE)
    window.unlink(missing_ok=True)


def save_state_before_data() -> None:
    """What reads remember is stored before the rows that it belongs to, and believed whether or not they are committed."""
    from dlt.destinations.impl.filesystem.filesystem import FilesystemLoadJob

    from dlt_sources._steps.stores.commit import LandingClient

    run, stored = FilesystemLoadJob.run, set()

    def store_first(self: Any) -> None:
        load = self._load_id
        if load not in stored:
            stored.add(load)
            self._job_client._store_current_state(load)
            hold_open()
        run(self)

    FilesystemLoadJob.run = store_first
    LandingClient._is_committed = lambda self, load: True  # type: ignore[method-assign]


def publish_in_place() -> None:
    """What is published is written over what readers have open, instead of beside it."""
    from warehouse import publish_file

    switch = publish_file._switch

    def overwrite(link: Path, target: Path) -> None:
        if not link.exists():
            switch(link, target)
            return
        content = target.read_bytes()
        with link.open("wb") as file:
            for at in range(0, len(content), 1 << 16):
                file.write(content[at : at + (1 << 16)])
                file.flush()
                time.sleep(0.02)
        shutil.rmtree(target.parent)

    publish_file._switch = overwrite


def advance_cursor_on_failure() -> None:
    """A cursor goes to the time of the read, also when the read fails later on."""
    import settings
    from dlt_sources._steps.land import cursor
    from dlt_sources._steps.land.reread import TableRead

    file = settings.load().data / "planted"
    advance, since, remember = cursor.advance, cursor.since, TableRead.remember

    def note(memory: Any, table: Any, reached: Any, now: Any) -> None:
        advance(memory, table, reached, now)
        if table.cursor:
            file.write_text(now.isoformat())
            hold_open()

    def believe(memory: Any, table: Any, now: Any) -> Any:
        return datetime.fromisoformat(file.read_text()) if file.exists() else since(memory, table, now)

    def forget(self: Any) -> None:
        if self.table.cursor:
            file.unlink(missing_ok=True)
        remember(self)

    cursor.advance, cursor.since, TableRead.remember = note, believe, forget  # type: ignore[method-assign]


def double_staging() -> None:
    """Rows are committed before the note that they are there, and inserted again where the note is missing."""
    from dataclasses import replace as replace_fields

    from warehouse import load

    replace = load.replace
    put = load._replace

    def insert(con: Any, schema: str, rows: Any, place: str, settings: Any) -> None:
        if "_load_id" in rows.columns:
            rows = replace_fields(rows, match=[*rows.match, "_refine_id"])
            came = f"({rows.query})"
            same = " AND ".join(f"came.{name} = own.{name}" for name in rows.match if name != "_refine_id")
            con.execute(
                f'DELETE FROM {schema}."{rows.table}" AS own USING {came} AS came WHERE {same} AND came._load_id <> own._load_id'
            )
        put(con, schema, rows, place, settings)

    def commit_rows_first(schema: str, rows: Any, statements: Any, settings: Any) -> None:
        replace(schema, rows, [], settings)
        hold_open()
        replace(schema, [], statements, settings)

    load._replace, load.replace = insert, commit_rows_first


def publish_piecemeal() -> None:
    """On AWS, what is published is changed table by table, each for itself."""
    from contextlib import nullcontext

    from warehouse import publish_redshift
    from warehouse.redshift import Redshift

    execute = Redshift.execute

    def empty_first(self: Any, query: str, parameters: Any = ()) -> Any:
        found = execute(self, query, parameters)
        if query.startswith("DELETE FROM") and "_gold" in query:
            time.sleep(PAUSE / 2)
        return found

    publish_redshift._transaction = lambda session: nullcontext()
    Redshift.execute = empty_first  # type: ignore[method-assign]


PLANTS: dict[str, Callable[[], None]] = {
    plant.__name__: plant
    for plant in (
        save_state_before_data,
        publish_in_place,
        advance_cursor_on_failure,
        double_staging,
        publish_piecemeal,
    )
}
ON_AWS = {"publish_piecemeal"}
"""Bugs of what is done on target aws alone; the others are of what a laptop does."""
STRUCK_BY = {"publish_in_place": "several runners"}
"""What finds a bug; a SIGKILL unless it is here."""
