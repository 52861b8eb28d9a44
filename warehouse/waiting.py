"""What is built or edited and not published yet: domains whose gold failed a check, and models that wait for a plan.

A domain is noted before a plan changes it and forgotten when it is published, so that neither a failed check nor a crash
in between leaves gold that nobody will publish.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .connection import Connection, connect, exists
from .quote import identifier, literal
from .run import join_names
from .staging import LOADS, schemas_holding

if TYPE_CHECKING:
    from settings import Settings

TABLES = {
    "waiting_domains": "domain VARCHAR(100), sources VARCHAR(65535), since TIMESTAMP, reason VARCHAR(65535), checks VARCHAR(64)",
    "waiting_models": "files VARCHAR(64), models VARCHAR(65535)",
    "unreadable_models": "files VARCHAR(64), file VARCHAR(1000), reason VARCHAR(65535)",
}
INTERRUPTED = "an earlier plan was interrupted"


@dataclass(frozen=True)
class Held:
    """A domain that was built and is not published.

    Attributes:
        sources: what it is built from.
        since: when it was first held, aware UTC.
        reason: why it is not published.
        checks: fingerprint of its checks when they last failed; empty: they have not run.
    """

    sources: frozenset[str]
    since: datetime
    reason: str
    checks: str = ""


class Waiting:
    """The record of what waits, in one warehouse. `TABLES` must exist, as they do once a run has begun."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def domains(self) -> dict[str, Held]:
        """The domains that wait, by name; none where no run ever began."""
        if not exists(self.settings):
            return {}
        with connect(self.settings) as con:
            return read_domains(con)

    def hold(self, domains: Mapping[str, Collection[str]], reason: str, checks: str = "") -> None:
        """Note why domains are not published; those that wait keep the time since when they do.

        Args:
            domains: with the sources of each.
        """
        if not domains:
            return
        since, now = {name: held.since for name, held in self.domains().items()}, self.settings.clock()
        values: list[object] = []
        for name, sources in domains.items():
            moment = since.get(name, now).astimezone(UTC).replace(tzinfo=None)
            values += [name, join_names(sources), moment, reason.encode()[:60_000].decode(errors="ignore"), checks]
        places = ", ".join(["(?, ?, ?, ?, ?)"] * len(domains))
        with connect(self.settings) as con:
            con.execute("BEGIN")
            _forget(con, domains)
            con.execute(f"INSERT INTO stg_ops.waiting_domains VALUES {places}", values)
            con.execute("COMMIT")

    def release(self, domains: Collection[str]) -> None:
        """Forget domains: they are published."""
        if waiting := sorted(set(domains) & set(self.domains())):
            with connect(self.settings) as con:
                _forget(con, waiting)

    def models(self, files: str) -> list[str] | None:
        """The models that waited when the project's files had this fingerprint; None: they have changed since."""
        with connect(self.settings) as con:
            return _waiting_models(con, files)

    def note_models(self, files: str, models: Collection[str], unreadable: Mapping[str, str]) -> None:
        """Remember which models wait for a plan, for files of this fingerprint, and which of the files cannot be read."""
        text = ",".join(models)
        if len(text) > 60_000:
            return
        with connect(self.settings) as con:
            if read_models(con, files) != (list(models), dict(unreadable)):
                con.execute("BEGIN")
                con.execute("DELETE FROM stg_ops.waiting_models")
                con.execute("DELETE FROM stg_ops.unreadable_models")
                for file, reason in unreadable.items():
                    cut = reason.encode()[:60_000].decode(errors="ignore")
                    con.execute("INSERT INTO stg_ops.unreadable_models VALUES (?, ?, ?)", [files, file, cut])
                con.execute("INSERT INTO stg_ops.waiting_models VALUES (?, ?)", [files, text])
                con.execute("COMMIT")


def _forget(con: Connection, domains: Collection[str]) -> None:
    places = ", ".join("?" * len(domains))
    con.execute(f"DELETE FROM stg_ops.waiting_domains WHERE domain IN ({places})", list(domains))


def read_models(con: Connection, files: str) -> tuple[list[str], dict[str, str]] | None:
    """(the models that waited when the project's files had this fingerprint; the files that could not be read, with the
    reason); None: the files have changed since, or no run with this record has begun yet.
    """
    query = (
        "SELECT 1 FROM information_schema.tables WHERE table_schema = 'stg_ops' AND table_name = 'unreadable_models'"
    )
    if not con.execute(query).fetchall():
        return None
    waiting = _waiting_models(con, files)
    if waiting is None:
        return None
    broken = con.execute(
        f"SELECT file, reason FROM stg_ops.unreadable_models WHERE files = {literal(files)}"
    ).fetchall()
    return waiting, dict(broken)


def _waiting_models(con: Connection, files: str) -> list[str] | None:
    known = con.execute(f"SELECT models FROM stg_ops.waiting_models WHERE files = {literal(files)}").fetchall()
    return [name for name in known[0][0].split(",") if name] if known else None


def read_domains(con: Connection) -> dict[str, Held]:
    """The domains that wait, by name; none where no run ever began."""
    query = "SELECT 1 FROM information_schema.tables WHERE table_schema = 'stg_ops' AND table_name = 'waiting_domains'"
    if not con.execute(query).fetchall():
        return {}
    rows = con.execute(
        "SELECT domain, sources, since, reason, checks FROM stg_ops.waiting_domains ORDER BY 1"
    ).fetchall()
    return {
        domain: Held(frozenset(filter(None, sources.split(","))), since.replace(tzinfo=UTC), reason, checks)
        for domain, sources, since, reason, checks in rows
    }


def filled_sources(settings: Settings) -> set[str]:
    """The sources of which rows have ever been refined: a domain over none of them has nothing to show yet."""
    if not exists(settings):
        return set()
    with connect(settings) as con:
        found = con.execute(schemas_holding(literal(LOADS))).fetchall()
        parts = [f"SELECT DISTINCT source FROM {identifier(schema)}.{LOADS} WHERE landed > 0" for (schema,) in found]
        return {name for (name,) in con.execute(" UNION ALL ".join(parts)).fetchall()} if parts else set()


def built_schemas(settings: Settings) -> set[str]:
    """The schemas of the warehouse that hold a table or view: those of the domains that are built, among others."""
    if not exists(settings):
        return set()
    with connect(settings) as con:
        return {
            name for (name,) in con.execute("SELECT DISTINCT table_schema FROM information_schema.tables").fetchall()
        }
