"""One run of the pipeline, its steps and a source's progress, as they are recorded."""

from __future__ import annotations

import hashlib
import re
import secrets
import signal
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from foundation.step_done import utc_now as utc_now

_MEASURED = re.compile(
    r"[\d,]+ of [\d,]+ rows \([\d.,<]+ %\)|\(measured [^)]*\)|[\d,]+ rows\b|\([^()]* of [^()]* free\)|\([^()]* free\)"
)
"""What a check measured: it changes from run to run while the problem stays the same."""
NAMED = 1000
"""Bytes that name a run's sources: Redshift refuses a longer text than its column holds."""
LISTED = 65_535
"""The same of names that stand in a column by themselves."""


@dataclass
class Run:
    """One execution of the runner, as it is recorded. Times are naive UTC; counts are rows.

    Attributes:
        broken: sources that were to run but cannot: their declaration is wrong.
        troubles: per source, what went wrong with it; of other runs' sources, too, whose trouble is not a problem of this run.
        counts: per source, how many rows were landed, accepted and rejected.
        drift: how sources depart from their contracts and did not before.
        news: per source, what of that the team hears of.
        resume, rest: of a backfill the command that goes on where this run began, and where it ended; empty: none.
    """

    command: str
    sources: list[str]
    target: str
    run_id: str = ""
    started_at: datetime = field(default_factory=lambda: utc_now())
    landed: int = 0
    accepted: int = 0
    rejected: int = 0
    published: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    exit_code: int = 0
    clock: datetime | None = None
    broken: list[str] = field(default_factory=list)
    troubles: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    drift: list[str] = field(default_factory=list)
    news: dict[str, list[str]] = field(default_factory=dict)
    resume: str = ""
    rest: str = ""

    def __post_init__(self) -> None:
        self.start(self.started_at)

    def start(self, moment: datetime) -> None:
        """Set when it began, and the id that is made of that."""
        self.started_at = moment
        self.run_id = f"{moment:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"

    @property
    def asked(self) -> str:
        """The sources that it was to run, as they are recorded: also those whose declaration is broken. Of many the first, how
        many, and what tells them from others.
        """
        names = ",".join([*self.sources, *self.broken])
        if len(names.encode()) <= NAMED:
            return names
        digest = hashlib.sha256(names.encode()).hexdigest()[:8]
        end = f",... ({len(self.sources) + len(self.broken)} sources, {digest})"
        return cut(names, NAMED - len(end)) + end

    @property
    def status(self) -> str:
        """How it ended, as it is recorded."""
        if self.exit_code in (128 + signal.SIGINT, 128 + signal.SIGTERM):
            return "interrupted"
        return "failed" if self.exit_code else "ok"

    def answers_for(self, *sources: str) -> bool:
        """Whether a problem of these sources is a problem of this run: it has one of them, or it names none (`plan`)."""
        own = {*self.sources, *self.broken}
        return not own or not sources or bool(own & set(sources))


@dataclass(frozen=True)
class Progress:
    """A source's progress.

    Attributes:
        ran_at: when its last successful turn began, aware UTC.
        published: the newest refine whose rows are published.
        sent: the newest refine whose rows the operational Postgres holds, where the source has tables for it.
        held: the newest refine that was tried and not published.
        held_by: the sources that stopped it: itself, or others of its gold domains.
        held_why: what stopped it.
        held_in: ``staging`` or ``gold``: what failed.
    """

    ran_at: datetime | None = None
    published: str | None = None
    sent: str | None = None
    held: str | None = None
    held_by: frozenset[str] = frozenset()
    held_why: str = ""
    held_in: str = ""


@dataclass(frozen=True)
class Hold:
    """Why a source is not published.

    Attributes:
        refine_id: its newest refine.
        by: the sources that stopped it, itself among them where it did.
        layer: where, staging or gold.
    """

    refine_id: str
    by: Collection[str]
    layer: str
    why: str


def waiting(staged: Mapping[str, str], progress: Mapping[str, Progress], own: Collection[str]) -> set[str]:
    """Sources whose newest refine was tried before, and not published, and would only fail again in a run of `own`.

    What belongs to another run waits for its own next run, or for that of the source that stopped it. What belongs to
    this run is tried again, unless all that stopped it were sources that still wait.

    Args:
        staged: per source its newest refine.
    """
    held = {name for name, refine_id in staged.items() if refine_id == progress[name].held}
    stuck = {name for name in held.difference(own) if (progress[name].held_by - {name}).isdisjoint(own)}
    return stuck | {
        name for name in held.intersection(own) if progress[name].held_by and progress[name].held_by <= stuck
    }


def unsound(progress: Mapping[str, Progress]) -> set[str]:
    """Sources whose newest rows were tried and failed the checks of staging, whether or not they are declared here."""
    return {name for name, known in progress.items() if known.held and known.held_in == "staging"}


def without_measures(text: str) -> str:
    """A problem's text without what was measured: the same problem of the next run has the same text."""
    return _MEASURED.sub("", text)


def join_names(names: Iterable[str]) -> str:
    """Names as one text: of so many that no column holds them the first, each whole."""
    text = ",".join(sorted(names))
    return text if len(text.encode()) <= LISTED else cut(text, LISTED).rpartition(",")[0]


def cut(text: str, longest: int) -> str:
    """The text's first bytes, as many as its column holds."""
    return text.encode()[:longest].decode(errors="ignore")
