"""What goes wrong in a run: in one source it stops that source, and is reported with the source, the step and the cause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .aws import explain
from .causes import causes
from .exits import MISTAKE, exit_code, show_mistake

if TYPE_CHECKING:
    from warehouse.ops import Ops, Run

    from .console import Console

_OUTWEIGHED = (0, 3)
"""Exit codes that any other problem takes the place of: trouble with the data outweighs a source that was away."""


class Faults:
    """The problems of one run.

    Attributes:
        held: sources of which a step failed: nothing is built on them.
    """

    def __init__(self, run: Run, console: Console) -> None:
        self.run, self.console = run, console
        self.held: set[str] = set()
        self.mistakes: list[Exception] = []

    def report(self, code: int, text: str, *sources: str) -> None:
        """Remember a problem, the sources that it is about, and the exit code where it is the one that counts."""
        self.console.problem(text)
        self.run.problems.append(text)
        for name in sources:
            self.run.troubles.setdefault(name, []).append(text)
        if self.run.exit_code in _OUTWEIGHED or code == MISTAKE:
            self.run.exit_code = code

    def add(self, error: Exception, *sources: str, where: str = "") -> None:
        """Report an exception; one in this program is kept: its traceback is shown at the end.

        Args:
            sources: whom it stops. where: the step and the source, for errors that do not name them.
        """
        code = exit_code(error)
        text = explain(error) or type(error).__name__
        if code == MISTAKE:
            self.mistakes.append(error)
            text = f"an error in this program: {type(error).__name__}: {text}"
        named = hasattr(error, "exit_code") or not where
        self.report(code, text if named else f"{where}: {text}", *sources)

    @contextmanager
    def alone(self, step: str, source: str, *, holds: bool = True) -> Iterator[None]:
        """Let whatever fails in the block stop this source only.

        Args:
            holds: nothing is built on the source then.
        """
        try:
            yield
        except Exception as error:
            if _ended_by_signal(error):
                raise
            if holds:
                self.held.add(source)
            self.add(error, source, where=f"{step} {source}")

    @contextmanager
    def recorded(self, ops: Ops) -> Iterator[None]:
        """Report what ends the whole run, and record its end."""
        try:
            yield
        except Exception as error:
            self.add(error, *self.run.sources)
            ops.try_finish(self.run)

    def show_mistakes(self) -> None:
        """Print the traceback of each error in this program."""
        for mistake in self.mistakes:
            show_mistake(mistake)


def _ended_by_signal(error: BaseException | None) -> bool:
    """Whether dlt wrapped a signal, which is not an `Exception`, in an error of its own."""
    from dlt.common.exceptions import SignalReceivedException

    return any(isinstance(cause, SignalReceivedException) for cause in causes(error))
