"""Trials: a command is struck, then run again, and what the project holds is compared with its undisturbed twin."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.soak import disk
from tests.soak.content import Content, compare
from tests.soak.declared import SOURCES, edit
from tests.soak.faults import BY_ROOT, KINDS, RUN, Kinds, Signal, Strike
from tests.soak.planted import PAUSE
from tests.soak.project import HUNG, Command, Project, Said
from tests.soak.reader import Reader, wait
from tests.soak.upstream import Upstream

COMMANDS: dict[str, tuple[float, float]] = {
    "run --now": (4, 1.0),
    "run": (2, 1.0),
    "serve": (2, 1.0),
    "backfill": (1, 0.8),
    "replay": (1.5, 0.7),
    "rebuild": (1.5, 1.0),
    "plan": (1, 0.6),
    "maintain": (0.5, 0.3),
}
"""Per command: how often among the others, and how long it takes, as a share of a run's time."""
READING = {"run --now", "run", "serve", "backfill"}
GOES_ON = 1 / 3
AGAIN = {0, 1, 3, 4}
"""How the first normal run after a strike may end; the second must end well."""
FURTHER: Sequence[float] = (0.5, 0.3, 0.2)
"""How often a trial has no further strike, one, two: each on a run that is to put right what the one before left."""


@dataclass
class Trial:
    """What came of one trial.

    Attributes:
        kinds: what struck, one after the other.
        runs: normal runs until all was right; 0: it never was.
    """

    number: int
    kinds: list[str]
    words: str = ""
    runs: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    extra: Counter[str] = field(default_factory=Counter)
    partial: list[str] = field(default_factory=list)
    reader_errors: list[str] = field(default_factory=list)
    tracebacks: int = 0
    wrong_codes: list[str] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    told: str = ""

    @property
    def kind(self) -> str:
        """What struck, for a person."""
        return ", then ".join(self.kinds)

    @property
    def is_bad(self) -> bool:
        """Whether anything is not as it should."""
        return bool(not self.runs or self.partial or self.reader_errors or self.tracebacks or self.wrong_codes)

    def show(self) -> str:
        """What happened, for a person."""
        lines = [f"trial {self.number}: {self.words}: {self.kind}{': ' * bool(self.told)}{self.told}"]
        lines += [
            f"  {words}: exit {code}" + "".join(f"\n    | {t}" for t in err.splitlines()[-12:])
            for words, code, err in self.said
        ]
        lines.append(f"  right after {self.runs} runs" if self.runs else "  not right after two runs")
        lines += [
            f"  {what}: {found}"
            for what, found in (
                ("lost", dict(self.lost)),
                ("too many", dict(self.extra)),
                ("partial", Counter(self.partial)),
                ("reader", Counter(self.reader_errors)),
                ("exit codes", self.wrong_codes),
            )
            if found
        ]
        return "\n".join(lines)


class Soak:
    """The two projects and their days.

    Args:
        kinds, commands: what to draw from; empty: all.
    """

    all_kinds: Kinds = KINDS
    all_commands: Collection[str] = COMMANDS
    slower = 1.0
    """How many times as long as its twin's a run of the project takes."""

    def __init__(
        self,
        folder: Path,
        upstream: Upstream,
        seed: int,
        *,
        kinds: Collection[str] = (),
        commands: Collection[str] = (),
    ) -> None:
        self.folder, self.seed, self.upstream, self.pace = folder, seed, upstream, 6.0
        self.asks_status, self.further = True, FURTHER
        self.choose(kinds, commands)
        self.before: Content = {}
        self.expected: Content = {}

    def begin(self, first: int = 1) -> None:
        """Make both, bring them to the evening of the first day, and let the second come, and what passes before a first trial."""
        self.project = Project(self.folder / "struck", "operational", self.upstream)
        self.twin = Project(self.folder / "twin", "twin", self.upstream)
        self._begin()
        for skipped in range(1, first):
            if self._goes_on(skipped):
                self._settle()

    def _begin(self) -> None:
        self._run_well(self.twin)
        self.expected = self.twin.content()
        self._settle()

    def choose(self, kinds: Collection[str], commands: Collection[str]) -> None:
        """Draw from these only; empty: from all."""
        self.kinds = {kind: self.all_kinds[kind] for kind in kinds or self.all_kinds}
        self.commands = {command: COMMANDS[command] for command in commands or self.all_commands}

    def draw(self, number: int) -> random.Random:
        """What is random in a trial: the same for the same seed."""
        return random.Random(f"{self.seed}:{number}")

    def take(self, number: int, *, stays: bool = False) -> Trial:
        """Do one trial; afterwards the project is ready for the next one, which may be on the next day unless it `stays`."""
        goes_on = self._goes_on(number) and not stays
        draw = self.draw(number)
        draw.random()  # whether it goes on
        kind, command = self._pick(draw)
        trial = Trial(number, [kind, *self._further(number, kind)])
        fault = self.kinds[kind][0](self.project, draw)
        words = self._words(command, number, draw)
        self.project.window.unlink(missing_ok=True)
        fault.arm()
        asks = draw.random() < 0.3 and self.asks_status and not fault.strikes_all and len(trial.kinds) == 1
        apart = "feed_gold" if command == "backfill" else ""  # it reads one of its tables only
        with Reader(self.project, [self.before, self.expected], asks, apart) as reader:
            # while the clock is behind, the API's window ends before today's rows, and brings what came late for days before
            if "clock wrong" in trial.kinds:
                reader.ignored = "feed_gold"
            self._strike(trial, fault, words, command, draw)
            reader.paused = not fault.sees
            for further in trial.kinds[1:]:
                fault = self.kinds[further][0](self.project, draw)
                before, reader.paused = reader.paused, True  # while a file system is mounted below it
                fault.arm()
                reader.paused = before
                again = draw.choice(("run --now", "run", "serve"))
                self._strike(trial, fault, self._words(again, number, draw), again, draw, AGAIN)
                reader.paused |= not fault.sees
            self._recover(trial, reader, backfilled=command == "backfill")
        trial.partial, trial.reader_errors = reader.partial, reader.errors
        fault.after()
        self._go_on(trial, command, goes_on)
        return trial

    def _go_on(self, trial: Trial, command: str, goes_on: bool) -> None:
        """To the next day, or back to the evening before."""
        if goes_on and command != "backfill" and trial.runs:
            self.project.keep()
            self._next_day()
        else:
            self.project.restore()
            if goes_on:
                self._settle()

    def _goes_on(self, number: int) -> bool:
        return self.draw(number).random() < GOES_ON

    def _pick(self, draw: random.Random) -> tuple[str, str]:
        [kind] = draw.choices([*self.kinds], [weight for _, weight in self.kinds.values()])
        known = [name for name in self.commands if name in READING or not kind.startswith("upstream")]
        [command] = draw.choices(known, [self.commands[name][0] for name in known])
        return kind, command

    def _further(self, number: int, kind: str) -> list[str]:
        """What strikes the runs that follow; where a file system was mounted nothing, since it stays until the trial is over."""
        draw, found = random.Random(f"{self.seed}:{number}:further"), [kind]
        [count] = draw.choices(range(len(self.further)), self.further)
        while len(found) <= count and found[-1] not in BY_ROOT and not self.project.planted:
            found += draw.choices([*self.kinds], [weight for _, weight in self.kinds.values()])
        return found[1:]

    def _words(self, command: str, number: int, draw: random.Random) -> tuple[str, ...]:
        match command:
            case "serve":
                return "serve", "--every", "1"
            case "backfill":
                return "backfill", "feed", "--since", str(self.upstream.today - timedelta(days=draw.randrange(3, 6)))
            case "replay" | "rebuild":
                return command, draw.choice([*SOURCES])
            case "plan":
                edit(self.project.code, number + 1)
        return tuple(command.split())

    def _strike(
        self,
        trial: Trial,
        fault: Strike,
        words: tuple[str, ...],
        command: str,
        draw: random.Random,
        also: Collection[int] = (),
    ) -> None:
        trial.words += f"{', ' * bool(trial.words)}{' '.join(words)}"
        typical = COMMANDS[command][1] * self.pace
        at = draw.uniform(0, 1.05) * typical
        try:
            running = self.project.start(*words, **fault.environment)
            if self.project.planted and isinstance(fault, Signal):
                self._await_window(running, draw)
            else:
                wait(at, running.process)
            fault.hit(running)
            said = self._end(running, fault, max(typical - at, 0) + 2)
        finally:
            fault.lift()
        trial.told += f"{'; ' * bool(trial.told)}{fault.told}{', ' * bool(fault.told)}after {at:.2f} s"
        self._note(trial, said, {*fault.codes, *also})
        for other, codes in fault.also:
            self._note(trial, other, codes)

    def _await_window(self, running: Command, draw: random.Random) -> None:
        while running.process.is_alive() and not self.project.window.exists():
            wait(0.02, running.process)
        wait(draw.uniform(0, PAUSE / 2), running.process)

    def _end(self, running: Command, fault: Strike, typical: float) -> Said:
        if running.words[0] != "serve":
            return running.end()
        fault.codes |= {143}  # it stays until it is ended
        wait(typical, running.process)
        running.signal(signal.SIGTERM)
        return running.end()

    def _recover(self, trial: Trial, reader: Reader, *, backfilled: bool) -> None:
        for number in (1, 2):
            self._note(trial, self.project.run(*RUN), AGAIN if number == 1 else {0})
            reader.paused = False
            code = trial.said[-1][1]
            try:
                found = self.project.content()
            except Exception as error:  # a store that cannot be read is a finding, not an end of the soak
                trial.lost = Counter({f"unreadable: {type(error).__name__}: {str(error)[:200]}": 1})
                continue
            trial.lost, trial.extra = compare(self.expected, found)
            if backfilled:
                self._allow_backfill(trial, found)
            if not code and not trial.lost and not trial.extra:
                trial.runs = number
                return

    def _allow_backfill(self, trial: Trial, found: Content) -> None:
        """A backfill lands the rows of its days once more: silver and the record of loads have them twice, at most."""
        silver, loads = "silver feed.moves", "loads stg_feed"
        again = found[silver] - self.expected[silver]
        if all(count == 1 and row in self.expected[silver] for row, count in again.items()):
            rows = found[loads] - self.expected[loads]
            if {kind: count for (_, kind), count in rows.items()} in (
                {},
                {"landed": again.total(), "accepted": again.total()},
            ):
                trial.extra.pop(silver, None)
                trial.extra.pop(loads, None)

    def _note(self, trial: Trial, said: Said, codes: Collection[int]) -> None:
        words, code, err = said
        trial.said.append(said)
        trial.tracebacks += "Traceback" in err
        if code not in codes:
            trial.wrong_codes.append(f"{words}: {'did not end' if code == HUNG else code}, allowed {sorted(codes)}")

    def _settle(self) -> None:
        """Let the project have a day without strikes, and the next one come."""
        self._run_well(self.project)
        lost, extra = compare(self.expected, self.project.content())
        assert not lost and not extra, f"undisturbed, the twins differ: {dict(lost)} {dict(extra)}"
        self.project.keep()
        self._next_day()

    def _next_day(self) -> None:
        self.before = self.expected
        self.upstream.advance()
        began = time.monotonic()
        self._run_well(self.twin)
        self.pace = self.slower * (time.monotonic() - began)
        self.expected = self.twin.content()

    def close(self) -> None:
        """Unmount whatever a trial that was cut short left mounted."""
        disk.clear()

    @staticmethod
    def _run_well(project: Project) -> Any:
        words, code, err = project.start(*RUN, planted=False).end()
        assert code == 0, f"{words} ended by {code} without a strike: {err}"
