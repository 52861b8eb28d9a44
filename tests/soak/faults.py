"""What strikes a command: prepared before it begins, struck at a random time, lifted when it has ended."""

from __future__ import annotations

import errno
import random
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.soak import disk, shim
from tests.soak.project import Command, Project, Said
from tests.soak.reader import wait

RUN = ("run", "--now")


@dataclass
class Strike:
    """One fault in one trial.

    Attributes:
        environment: of the command that is struck.
        also: other commands that began meanwhile, and how they may end.
        codes: how the struck command may end.
        sees: whether what is published can be read all the while.
        strikes_all: whether it may strike whoever asks for `status` meanwhile.
        told: what was done, for the transcript.
    """

    project: Project
    draw: random.Random
    environment: dict[str, str] = field(default_factory=dict)
    also: list[tuple[Said, set[int]]] = field(default_factory=list)
    codes: set[int] = field(default_factory=lambda: {0})
    sees: bool = True
    strikes_all: bool = False
    told: str = ""
    after: Callable[[], None] = lambda: None

    def arm(self) -> None:
        """Prepare it; nothing, unless the kind says so."""

    def hit(self, command: Command) -> None:
        """Strike the command."""

    def lift(self) -> None:
        """Let everything be as it should."""


class Signal(Strike):
    """The command gets a signal; at times a second one."""

    number = signal.SIGKILL

    def hit(self, command: Command) -> None:
        self.codes = {0, -9 if self.number == signal.SIGKILL else 128 + self.number}
        command.signal(self.number)
        if self.number != signal.SIGKILL and self.draw.random() < 0.3:
            wait(self.draw.uniform(0, 0.5), command.process)
            command.signal(self.number)


class Terminate(Signal):
    number = signal.SIGTERM


class Interrupt(Signal):
    number = signal.SIGINT


class Stop(Strike):
    """The command stands still while others begin; then it goes on."""

    def hit(self, command: Command) -> None:
        command.signal(signal.SIGSTOP)
        self.also.append((self.project.run(*RUN), {0, 5}))
        command.signal(signal.SIGCONT)
        self.codes = {0, 5}


class Runners(Strike):
    """Two or three commands at once, one of which may be killed."""

    def hit(self, command: Command) -> None:
        self.codes = {0, 5}
        others = [self.project.start(*RUN) for _ in range(self.draw.choice((1, 2)))]
        if self.draw.random() < 0.5:
            wait(self.draw.uniform(0, 2), command.process)
            command.signal(signal.SIGKILL)
            self.codes |= {-9}
        self.also += [(other.end(), {0, 5}) for other in others]


class Upstream(Strike):
    """The HTTP server answers wrongly: from a moment on, or from its n-th answer on."""

    trouble = "error"

    def arm(self) -> None:
        self.codes = {0, 3}
        if self.draw.random() < 0.5:
            answers = self.draw.randrange(3)
            self.told = f"after {answers} answers"
            self.project.upstream.later = (answers, self.trouble)

    def hit(self, command: Command) -> None:
        if not self.told:
            self.project.upstream.trouble = self.trouble

    def lift(self) -> None:
        self.project.upstream.trouble, self.project.upstream.later = "", None


class Reset(Upstream):
    trouble = "reset"


class Hang(Upstream):
    trouble = "hang"


class Cut(Upstream):
    trouble = "cut"


class NoPostgres(Strike):
    """Postgres, which is source and sink, is gone; or back a moment later."""

    codes_when_gone = {0, 3, 4}

    def hit(self, command: Command) -> None:
        self.codes = self.codes_when_gone
        self.project.upstream.postgres.stop()
        if self.draw.random() < 0.5:
            self.told = "restarted"
            self.project.upstream.postgres.start()

    def lift(self) -> None:
        if not self.told:
            self.project.upstream.postgres.start()


PLACES = (".", "serving", "lake", "lake/landing", "lake/silver", "dlt")


class FullDisk(Strike):
    """The disk of the data folder, or of a part of it, has little room left."""

    def arm(self) -> None:
        place = self.draw.choice(PLACES)
        free = int(2 ** self.draw.uniform(12, 22 if place == "." else 18))
        self.told, self.codes = f"{free} bytes left in {place}", {0, 4}
        disk.limit(self.project.data / place, free)

    def lift(self) -> None:
        disk.lift()
        self.after = disk.clear


class ReadOnly(Strike):
    """Nobody may write to the data folder, or to a part of it."""

    def hit(self, command: Command) -> None:
        place = self.draw.choice(PLACES)
        self.told, self.codes = f"{place} is read-only", {0, 4}
        disk.forbid(self.project.data / place)

    def lift(self) -> None:
        disk.clear()


class FailingCalls(Strike):
    """A call of the C library fails below the data folder, once or from then on."""

    def arm(self) -> None:
        call = self.draw.choice(("write", "rename", "fsync"))
        error = self.draw.choice((errno.EIO, errno.ENOSPC))
        most = {"write": 400, "rename": 60, "fsync": 80}[call]
        at, count = int(2 ** self.draw.uniform(0, most.bit_length())), self.draw.choice((1, 1_000_000))
        self.told = f"{call} {at} fails with {errno.errorcode[error]}" + (" and all later ones" if count > 1 else "")
        self.environment["SOAK_FAIL"] = f"{call}:{at}:{error}:{count}:{self.project.data}"
        self.codes = {0, 4}


class PowerLoss(Strike):
    """The machine is gone, and with it whatever was not flushed."""

    def arm(self) -> None:
        self.flushed = self.project.folder / "flushed"
        self.flushed.unlink(missing_ok=True)
        self.environment["SOAK_FLUSHED"] = str(self.flushed)
        self.before = shim.state(self.project.data)

    def hit(self, command: Command) -> None:
        command.signal(signal.SIGKILL)
        self.codes = {0, -9}

    def lift(self) -> None:
        cut = shim.lose_power(self.project.data, self.before, self.flushed)
        self.told = f"{cut} files were cut"


class Clock(Strike):
    """The machine's clock is wrong for one command."""

    def arm(self) -> None:
        seconds = self.draw.choice((-1, 1)) * self.draw.choice((90, 3600, 86_400, 30 * 86_400))
        now = datetime.fromisoformat(self.project.upstream.environment("")["ELT_NOW"]) + timedelta(seconds=seconds)
        self.environment |= {"SOAK_CLOCK": str(seconds), "ELT_NOW": now.isoformat()}
        self.told = f"the clock is {seconds:+} s off"


class Lost(Strike):
    """The command is killed, and a part of the data folder is lost."""

    parts = ("dlt", "serving", "state.duckdb", "sqlmesh_cache", "logs")

    def hit(self, command: Command) -> None:
        command.signal(signal.SIGKILL)
        self.codes = {0, -9}

    def lift(self) -> None:
        part = self.draw.choice(self.parts)
        self.told = f"{part} was lost"
        self.sees = part != "serving"
        for path in self.project.data.glob(f"{part}*"):
            if path.is_symlink() or path.is_file():
                if part != "serving" or self.draw.random() < 0.5:
                    path.unlink()
            else:
                shutil.rmtree(path)


Kinds = Mapping[str, tuple[type[Strike], float]]
"""Per kind: what does it, and how often among the others."""
KINDS: Kinds = {
    "SIGKILL": (Signal, 5),
    "SIGTERM": (Terminate, 2),
    "SIGINT": (Interrupt, 2),
    "SIGSTOP and another runner": (Stop, 1.5),
    "several runners": (Runners, 1.5),
    "upstream answers 500": (Upstream, 1),
    "upstream resets": (Reset, 1),
    "upstream hangs": (Hang, 0.7),
    "upstream cuts answers": (Cut, 1),
    "Postgres gone or restarted": (NoPostgres, 2),
    "disk full": (FullDisk, 3),
    "folder read-only": (ReadOnly, 2),
    "write, rename or fsync fails": (FailingCalls, 3),
    "power loss": (PowerLoss, 3),
    "clock wrong": (Clock, 2),
    "files lost": (Lost, 2),
}
BY_ROOT = {"disk full", "folder read-only"}
BY_SHIM = {"write, rename or fsync fails", "power loss", "clock wrong"}
