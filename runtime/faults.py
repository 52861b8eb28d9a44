"""What goes wrong in a run: in one source it stops that source, and is reported with the source, the step and the cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from errors import ExitCode, MillraceError
from foundation import stores
from foundation.aws import explain
from foundation.exits import exit_code, show_mistake
from foundation.hidden import hide
from foundation.signals import Interrupted, raise_if_interrupted

if TYPE_CHECKING:
    from foundation.console import Console
    from settings import Settings
    from warehouse.ops import Ops, Run

_OUTWEIGHED = (ExitCode.OK, ExitCode.SOURCE)
"""Exit codes that any other problem takes the place of: trouble with the data outweighs a source that was away."""


@contextmanager
def report_folder_errors(
    command: str, names: Sequence[str] | None, settings: Settings, as_json: bool
) -> Iterator[None]:
    """Report, with a summary and an alert, that the data folder cannot be written: no run begins then, and no record of one."""
    from foundation.console import Console
    from foundation.lock import FolderError
    from warehouse.run import Run

    from .alert import alert

    try:
        yield
    except FolderError as error:
        run, console = Run(command, list(names or []), settings.target), Console(as_json)
        Faults(run, console).add(error)
        console.summary(run)
        alert(run, settings)
        raise SystemExit(run.exit_code) from None


class Faults:
    """The problems of one run.

    Attributes:
        held: sources of which a step failed: nothing is built on them.
    """

    def __init__(self, run: Run, console: Console) -> None:
        self.run, self.console = run, console
        self.held: set[str] = set()
        self.mistakes: list[Exception] = []

    def report(self, code: ExitCode, text: str, *sources: str) -> None:
        """Remember a problem, the sources that it is about, and the exit code where it is the one that counts.

        A run answers for its own sources: what is only about others is a note. They have runs of their own.
        """
        text = hide(text)  # it is recorded, and sent to people
        for name in sources:
            self.run.troubles.setdefault(name, []).append(text)
        if code != ExitCode.BUG and not self.run.answers_for(*sources):
            self.console.note(text.splitlines()[0])
            return
        self.console.problem(text)
        self.run.problems.append(text)
        if self.run.exit_code in _OUTWEIGHED or code == ExitCode.BUG:
            self.run.exit_code = int(code)

    def add(self, error: Exception, *sources: str, where: str = "") -> None:
        """Report an exception; one in this program is kept: its traceback is shown at the end.

        Args:
            sources: whom it stops. where: the step and the source, for errors that do not name them.
        """
        code = exit_code(error)
        store = stores.explain(error)
        text = store or explain(error) or type(error).__name__
        if code == ExitCode.BUG:
            self.mistakes.append(error)
            if self.console.log:
                self.console.log.write_error(error)
            text = f"an error in this program: {type(error).__name__}: {text}"
        named = (isinstance(error, MillraceError) and not store) or not where
        self.report(code, text if named else f"{where}: {text}", *sources)

    @contextmanager
    def isolate(self, step: str, *sources: str, holds: bool = True) -> Iterator[None]:
        """Let whatever fails in the block stop these sources only.

        Args:
            holds: nothing is built on them then.
        """
        try:
            yield
        except Exception as error:
            raise_if_interrupted(error)
            if holds:
                self.held.update(sources)
            self.add(error, *sources, where=f"{step} {', '.join(sources)}")

    @contextmanager
    def recorded(self, ops: Ops) -> Iterator[None]:
        """Report what ends the whole run, and record its end; a signal ends it without more ado."""
        try:
            try:
                yield
            except Exception as error:
                raise_if_interrupted(error)
                self.add(error, *self.run.sources)
                ops.try_finish(self.run)
        except Interrupted as signal:
            self.run.exit_code, self.run.problems = signal.exit_code, [str(signal)]
            ops.try_finish(self.run)
            raise

    def show_mistakes(self) -> None:
        """Print the traceback of each error in this program."""
        for mistake in self.mistakes:
            show_mistake(mistake)
