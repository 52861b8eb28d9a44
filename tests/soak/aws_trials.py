"""Trials on target aws. No state can be restored there: each trial is a day, and the next one goes on from it."""

from __future__ import annotations

import random
import shutil

from tests.soak.aws_faults import KINDS
from tests.soak.aws_project import AwsProject
from tests.soak.faults import Kinds
from tests.soak.project import Project
from tests.soak.reader import Reader
from tests.soak.trials import COMMANDS, Soak, Trial

DAYS = 25
"""After so many trials a new project begins, so that days stay short."""


class AwsSoak(Soak):
    """A project on AWS that is struck, and a twin on a laptop that is not."""

    all_kinds: Kinds = KINDS
    all_commands = [name for name in COMMANDS if name != "backfill"]
    slower = 2.0
    project: AwsProject

    def begin(self, first: int = 1) -> None:
        """Make both on the day before a trial, with all that came until then."""
        for _ in range(1, first):
            self.upstream.advance()
        self._start_again()

    def close(self) -> None:
        super().close()
        if hasattr(self, "project"):
            self.project.close()

    def _start_again(self) -> None:
        folder = self.folder / f"from{self.upstream.day}"
        folder.mkdir()
        self.project = AwsProject(folder / "struck", "operational", self.upstream)
        self.twin = Project(folder / "twin", "twin", self.upstream)
        self._begin()

    def _recover(self, trial: Trial, reader: Reader, *, backfilled: bool) -> None:
        """In half of the trials it is another task that runs again: one that has no disk yet."""
        if random.Random(f"{self.seed}:{trial.number}:task").random() < 0.5:
            shutil.rmtree(self.project.data, ignore_errors=True)
            trial.told += ", then a new task"
        super()._recover(trial, reader, backfilled=backfilled)

    def _goes_on(self, number: int) -> bool:
        return True

    def _go_on(self, trial: Trial, command: str, goes_on: bool) -> None:
        if trial.runs and trial.number % DAYS:
            self._next_day()
            return
        self.project.close()
        shutil.rmtree(self.project.folder.parent)
        self._start_again()
