"""What strikes a command on target aws: the faults that it shares with the laptop, and those of S3, Glue, IAM, Redshift and RDS."""

from __future__ import annotations

import shutil
import signal

from tests.soak import faults
from tests.soak.aws_project import AwsProject
from tests.soak.faults import RUN, Kinds, Strike
from tests.soak.project import Command
from tests.soak.reader import wait

FAILED = {0, 1, 4}
"""How a command may end whose stores fail: by what failed, or as a model of which a statement failed."""
STATEMENTS = ("COPY", "INSERT", "DELETE", "COMMIT", "CREATE", "SELECT", "UNLOAD", ".")


class Cloud(Strike):
    """AWS answers wrongly, from a random request on: a few times, or until the command has ended.

    Attributes:
        services: which of them; one is drawn. most: requests of a run, about.
    """

    answers: tuple[str, ...] = ()
    services: tuple[str, ...] = ("^s3 ",)
    most = 400

    project: AwsProject

    def arm(self) -> None:
        kind, match = self.draw.choice(self.answers), self.draw.choice(self.services)
        after = int(2 ** self.draw.uniform(0, self.most.bit_length())) - 1
        times = self.draw.choice((1, 2, 4, -1))
        self.codes, self.strikes_all = FAILED, True
        self.told = f"{kind} after {after} of {match!r}, {'all later ones' if times < 0 else f'{times} times'}"
        self.project.estate.cloud.fault(match, kind, times=times, after=after)

    def lift(self) -> None:
        self.project.estate.cloud.calm()
        self.project.estate.cloud.forget()


class S3Fails(Cloud):
    answers = ("slow_down", "error")


class S3Cuts(Cloud):
    answers = ("cut",)


class S3Refuses(Cloud):
    answers = ("denied",)
    services = ("^s3 PUT ", "^s3 GET .*landing", "^s3 (PUT|GET) .*silver", "^s3 DELETE ", "^s3 POST ")
    most = 40


class Glue(Cloud):
    """Glue refuses, fails, or does what it is asked and does not answer."""

    answers = ("denied", "slow_down", "error", "cut", "cut")
    services = ("^glue ", "^glue POST UpdateTable")
    most = 16


class Expired(Cloud):
    """The credentials of the task are no longer valid."""

    answers = ("expired",)
    services = (".",)


class Login(Cloud):
    """Neither a secret nor a password for Redshift is given."""

    answers = ("denied", "slow_down", "error", "expired", "cut")
    services = ("^redshift-serverless ", "^secretsmanager ")
    most = 1

    def arm(self) -> None:
        super().arm()
        self.codes = FAILED | {2}


class Redshift(Strike):
    """A statement strikes: one of a kind, or whichever comes after a random moment."""

    how = "cut"
    project: AwsProject

    def arm(self) -> None:
        self.codes, self.strikes_all = FAILED, True
        self.pattern = self.draw.choice(STATEMENTS)
        if self.pattern == ".":
            return
        after = int(2 ** self.draw.uniform(0, 5)) - 1
        self.told = f"{self.pattern} number {after + 1}"
        self.project.estate.redshift.fault(rf"^\W*(/\*.*?\*/\s*)?{self.pattern}\b", self.how, after=after)

    def hit(self, command: Command) -> None:
        if self.pattern == ".":
            self.told = "the next statement"
            self.project.estate.redshift.fault(".", self.how)

    def lift(self) -> None:
        self.project.estate.redshift.calm()
        self.project.estate.redshift.statements.clear()


class RedshiftLoses(Redshift):
    how = "lost"


class RedshiftRefuses(Redshift):
    how = "error:planned by the soak"


class RedshiftRestarts(Redshift):
    how = "restart"


class NoState(Strike):
    """The Postgres of the state is gone, or back a moment later; or it ends every session, and with one the lock."""

    project: AwsProject

    def arm(self) -> None:
        self.codes, self.strikes_all = FAILED, True

    def hit(self, command: Command) -> None:
        self.told = self.draw.choice(("gone", "restarted", "every session ended"))
        if self.told == "every session ended":
            self.project.end_sessions_of_state()
            return
        self.project.state.stop()
        if self.told == "restarted":
            self.project.state.start()

    def lift(self) -> None:
        if self.told == "gone":
            self.project.state.start()


class Elsewhere(Strike):
    """Another task begins beside it, with a disk of its own; one of the two may be killed."""

    def hit(self, command: Command) -> None:
        self.codes = {0, 5}
        folder = self.project.folder / "elsewhere"
        shutil.rmtree(folder, ignore_errors=True)
        other, codes = self.project.start(*RUN, ELT_DATA_DIR=str(folder)), {0, 5}
        if self.draw.random() < 0.7:
            wait(self.draw.uniform(0, 4), command.process)
            victim = self.draw.choice((command, other))
            victim.signal(signal.SIGKILL)
            (self.codes if victim is command else codes).add(-9)
            self.told = f"the {'first' if victim is command else 'other'} is killed"
        self.also.append((other.end(), codes))


class LockLost(Strike):
    """The command stands still while the state's Postgres ends its session, and with it the lock: another task takes over."""

    project: AwsProject

    def hit(self, command: Command) -> None:
        self.codes = FAILED | {5}
        folder = self.project.folder / "elsewhere"
        shutil.rmtree(folder, ignore_errors=True)
        command.signal(signal.SIGSTOP)
        self.project.end_sessions_of_state()
        other = self.project.start(*RUN, ELT_DATA_DIR=str(folder))
        wait(self.draw.uniform(0, 20), other.process)
        command.signal(signal.SIGCONT)
        self.also.append((other.end(), FAILED))


class Task(Strike):
    """The task is killed, and with it its disk."""

    def hit(self, command: Command) -> None:
        command.signal(signal.SIGKILL)
        self.codes = {0, -9}

    def lift(self) -> None:
        shutil.rmtree(self.project.data, ignore_errors=True)


SHARED = (
    "SIGKILL",
    "SIGTERM",
    "SIGINT",
    "SIGSTOP and another runner",
    "several runners",
    "upstream answers 500",
    "upstream resets",
    "Postgres gone or restarted",
    "write, rename or fsync fails",
    "clock wrong",
)
KINDS: Kinds = {
    **{kind: (faults.KINDS[kind][0], faults.KINDS[kind][1] / 2) for kind in SHARED},
    "S3 throttles or fails": (S3Fails, 2),
    "S3 cuts answers": (S3Cuts, 2),
    "S3 refuses": (S3Refuses, 1),
    "Glue refuses, fails or is cut": (Glue, 3),
    "token expired": (Expired, 1),
    "no secret or login": (Login, 0.7),
    "Redshift cuts before a statement": (Redshift, 2),
    "Redshift cuts after a statement": (RedshiftLoses, 3),
    "Redshift refuses a statement": (RedshiftRefuses, 2),
    "Redshift restarted": (RedshiftRestarts, 2),
    "state's Postgres gone, restarted, or its sessions ended": (NoState, 3),
    "task killed, its disk lost": (Task, 2),
    "another task": (Elsewhere, 2),
    "lock lost to another task": (LockLost, 1),
}
