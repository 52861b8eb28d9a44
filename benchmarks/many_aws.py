"""What a run of many small sources costs on target aws: ``python -m benchmarks.many_aws [SOURCES [LOGIN STATEMENT COMMIT REQUEST]]``.

The sources are APIs that answer at once; S3, Glue, Redshift and the state's Postgres are the stand-ins of the tests, which
take so many seconds for each login, statement and commit of Redshift, and for each request to S3 or Glue. Commits wait for
each other, as on a cluster. Counted is what the pipeline asks, for each step and in all; seconds of CPU are of the runner
and, apart, of the stand-ins that run in this process.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.many import declare
from benchmarks.server import serve_rows
from demo.postgres import Postgres
from tests.aws.estate import Estate
from tests.small import Small

if TYPE_CHECKING:
    from redshift_stand_in.session import Session

    from tests.aws.answers import Request

SCHEDULE = "0 0 * * *"
NAMES = ("login", "statement", "commit", "s3", "glue")
_WRITES = re.compile(
    r"\s*(?:/\*.*?\*/\s*)?(INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|COPY|GRANT|TRUNCATE|MERGE)\b", re.I | re.S
)
_LAST = "(SELECT run_id FROM stg_ops.runs ORDER BY started_at DESC LIMIT 1)"
_COMMITS = re.compile(r"\s*(COMMIT|END)\b", re.I)


@dataclass
class Pace:
    """How long the services take, and what they were asked: (seconds since 1970, one of `NAMES`), as it came."""

    login: float = 0.0
    statement: float = 0.0
    commit: float = 0.0
    request: float = 0.0
    asked: list[tuple[float, str]] = field(default_factory=list)
    _writing: set[int] = field(default_factory=set)
    _queue: threading.Lock = field(default_factory=threading.Lock)

    def ask_redshift(self, sql: str, session: Session | None) -> None:
        """A login, or a statement; one that commits something waits for the commits before it."""
        if session is None:
            self._take("login", self.login)
            return
        self._take("statement", self.statement)
        if session.status != b"I" and _WRITES.match(sql):
            self._writing.add(id(session))
        elif _WRITES.match(sql) or (_COMMITS.match(sql) and id(session) in self._writing):
            self._writing.discard(id(session))
            with self._queue:
                self._take("commit", self.commit)

    def ask_cloud(self, request: Request) -> None:
        """A request to S3, Glue or another service."""
        self._take(request.service if request.service in NAMES else "others", self.request)

    def _take(self, name: str, seconds: float) -> None:
        self.asked.append((time.time(), name))
        if seconds:
            time.sleep(seconds)


class Api:
    """What all sources answer: five rows of each; of the second day one has changed, and one is new."""

    day = 1

    def answer(self) -> list[dict[str, object]]:
        """The rows of the day."""
        rows: list[dict[str, object]] = [{"id": number, "name": f"thing {number}"} for number in range(1, 5 + self.day)]
        rows[0]["name"] = f"thing of day {self.day}"
        return rows


@dataclass
class Taken:
    """What one run took: seconds, and what was asked of whom in each step; of most steps also their seconds of CPU."""

    clock: float
    cpu: float
    stand_ins: float
    state: int
    steps: dict[str, Counter[str]]
    cpu_of: dict[str, float]

    @property
    def total(self) -> Counter[str]:
        """What was asked in all steps."""
        return sum(self.steps.values(), Counter())


def run(small: Small, estate: Estate, pace: Pace, folder: Path) -> Taken:
    """Run what is due at `SCHEDULE` as a task of its own, in a new folder, and count.

    Raises:
        RuntimeError: the run failed.
    """
    pace.asked.clear()
    estate.cloud.forget()
    estate.redshift.statements.clear()
    environment = small.environment | {"ELT_DATA_DIR": str(folder / "data")}
    folder.mkdir()
    before, began, ours = _commits(estate), time.time(), time.process_time()
    with (folder / "out").open("w") as out:
        words = [sys.executable, "runner.py", "run", "--schedule", SCHEDULE]
        file = [(os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_DUP2, out.fileno(), 2)]
        here = Path.cwd()
        os.chdir(small.code)
        process = os.posix_spawn(sys.executable, words, environment, file_actions=file)
        os.chdir(here)
        _, status, usage = os.wait4(process, 0)
    clock, ours = time.time() - began, time.process_time() - ours
    if status:
        raise RuntimeError(f"{os.waitstatus_to_exitcode(status)}: {(folder / 'out').read_text()[-4000:]}")
    steps = _by_step(estate, pace.asked)
    return Taken(clock, usage.ru_utime + usage.ru_stime, ours, _commits(estate) - before, steps, _cpu_by_step(estate))


def _commits(estate: Estate) -> int:
    """Transactions that the state's Postgres has ended so far."""
    import psycopg2

    with psycopg2.connect(
        host=str(estate.rds._sockets), port=estate.rds.port, user="postgres", dbname="postgres"
    ) as con:
        cursor = con.cursor()
        cursor.execute("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'sqlmesh'")
        return int(cursor.fetchall()[0][0])


def _by_step(estate: Estate, asked: list[tuple[float, str]]) -> dict[str, Counter[str]]:
    """What was asked, by the step in which that was; of what is between two steps by the one before."""
    query = f"SELECT extract(epoch FROM started_at), step FROM stg_ops.steps WHERE run_id = {_LAST} ORDER BY 1"
    begun = [(float(at), str(step)) for at, step in estate.redshift.query(query)]
    found: dict[str, Counter[str]] = {}
    for at, name in list(asked):
        earlier = [step for start, step in begun if start <= at]
        found.setdefault(earlier[-1] if earlier else "before", Counter())[name] += 1
    return found


def _cpu_by_step(estate: Estate) -> dict[str, float]:
    """Seconds of CPU of the runner in each kind of step."""
    query = f"SELECT step, sum(cpu_seconds) FROM stg_ops.steps WHERE run_id = {_LAST} GROUP BY 1"
    return {str(step): float(seconds) for step, seconds in estate.redshift.query(query)}


def measure(count: int, pace: Pace) -> Iterator[tuple[str, Taken]]:
    """Run so many sources for the first time, with news of all, and with nothing new; what each run took, as it ends."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, api = Path(name), Api()
        rds = Postgres(folder / "pg")
        stack.callback(rds.close)
        rds.start()
        estate, small = stack.enter_context(Estate(folder / "estate", rds)), Small(folder)
        url = stack.enter_context(serve_rows(api.answer))
        for number in range(count):
            at = f"s{number:03}"
            declare(small, at, "rest_api", {"base_url": url}, schedule=SCHEDULE, endpoint={"path": at})
        small("-m", "dlt_sources.derive")
        small.environment |= estate.environment
        estate.redshift.asked, estate.cloud.asked = pace.ask_redshift, pace.ask_cloud
        for shown, day in (("the first run", 1), ("news of all", 2), ("nothing new", 2)):
            api.day = day
            yield shown, run(small, estate, pace, folder / shown.replace(" ", "_"))


def main(
    count: int = 100, login: float = 0.0, statement: float = 0.0, commit: float = 0.0, request: float = 0.0
) -> None:
    """Run, and print tables."""
    print(f"{count} sources; seconds: login {login:g}, statement {statement:g}, commit {commit:g}, request {request:g}")
    print(f"| | s | CPU s | stand-ins' CPU s | {' | '.join(NAMES)} | state |\n|{'---|' * (5 + len(NAMES))}")
    for shown, taken in measure(count, Pace(login, statement, commit, request)):
        row = [
            f"{taken.clock:.0f}",
            f"{taken.cpu:.1f}",
            f"{taken.stand_ins:.0f}",
            *(taken.total[n] for n in NAMES),
            taken.state,
        ]
        print(f"| {shown} | {' | '.join(map(str, row))} |", flush=True)
        for step, asked in taken.steps.items():
            cpu = f"{taken.cpu_of[step]:.1f}" if step in taken.cpu_of else ""
            print(f"| - {step} | | {cpu} | | {' | '.join(str(asked[n]) for n in NAMES)} | |", flush=True)


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((int, *[float] * 4), sys.argv[1:], strict=False)))
