"""What a run of many small sources costs: ``python -m benchmarks.many [SOURCES [SECONDS [KIND]]]``.

Each source is an API, or with KIND ``database`` a Postgres behind a port of its own, whose answer takes SECONDS and brings five
rows. The first run lands, refines and checks them; the later ones find nothing new. Seconds are of one sitting; the ratio is to
the answers one after the other.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg2
import yaml

from benchmarks.server import serve_rows
from demo.postgres import Postgres
from tests.delays import Proxy
from tests.small import CONTRACT, Small

ROWS: list[dict[str, object]] = [{"id": number, "name": f"thing {number}"} for number in range(1, 6)]


@contextmanager
def slow_apis(small: Small, names: list[str], seconds: float) -> Iterator[None]:
    """The sources as APIs of one server, which takes so long for each answer."""

    def answer() -> list[dict[str, object]]:
        time.sleep(seconds)
        return ROWS

    with serve_rows(answer) as url:
        for name in names:
            declare(small, name, "rest_api", {"base_url": url}, endpoint={"path": name})
        yield


@contextmanager
def slow_databases(small: Small, names: list[str], seconds: float) -> Iterator[None]:
    """The sources as databases, each behind a port where a connection takes so long."""
    with ExitStack() as stack:
        server = Postgres(small.folder / "pg")
        stack.callback(server.close)
        server.start()
        rows = "SELECT i AS id, 'thing ' || i AS name FROM generate_series(1, 5) AS i"
        with closing(psycopg2.connect(server.dsn)) as con, con, con.cursor() as cursor:
            cursor.execute(f"CREATE VIEW deftunes.things AS {rows}")
        for name in names:
            port = stack.enter_context(Proxy(server.port, seconds).serve()).port
            small.environment[f"ELT_{name.upper()}_URL"] = server.dsn.replace(str(server.port), str(port))
            declare(
                small,
                name,
                "sql_database",
                {"url": f"${{{name.upper()}_URL}}", "schema": "deftunes"},
                table="things",
            )
        yield


KINDS = {"api": slow_apis, "database": slow_databases}


def declare(
    small: Small,
    name: str,
    connector: str,
    connection: dict[str, str],
    schedule: str = "* * * * *",
    **place: object,
) -> None:
    """A source of one table without a model."""
    folder = small.code / "dlt_sources" / name
    folder.mkdir()
    table = {"contract": "Thing", "key": ["id"], "mode": "upsert", **place}
    declared: dict[str, object] = {
        "description": "things",
        "owner": "me",
        "schedule": schedule,
        "connector": connector,
    }
    declared |= {"connection": connection, "tables": {"things": table}}
    (folder / "source.yml").write_text(yaml.safe_dump(declared, sort_keys=False))
    (folder / "contract.py").write_text(CONTRACT)


def main(count: int = 200, seconds: float = 1.0, kind: str = "api") -> None:
    """Run, and print a table."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        small = Small(Path(folder))
        stack.enter_context(KINDS[kind](small, [f"s{number:03}" for number in range(count)], seconds))
        small("-m", "dlt_sources.derive")
        print(
            f"| {count} sources ({kind}), {seconds:g} s for each answer | s | x the answers one by one | s of CPU |\n|---|---|---|---|"
        )
        for shown in ("the first run", "nothing new", "nothing new again"):
            began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
            small.run("run", "--now")
            took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"| {shown} | {took:.1f} | {took / (count * seconds):.2f} | {cpu:.1f} |", flush=True)


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((int, float, str), sys.argv[1:], strict=False)))  # type: ignore[arg-type]
