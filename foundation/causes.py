"""What is behind an error: the errors that it wraps, and what one says in a line."""

from __future__ import annotations

from collections.abc import Iterator


def causes(error: BaseException | None, *, implied: bool = True) -> Iterator[BaseException]:
    """The error and those behind it, each once: an error that is raised from what wraps it closes a circle.

    Args:
        implied: also those that an error was merely raised beside, which Python notes as its context.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or (error.__context__ if implied else None)


def first_line(error: BaseException) -> str:
    """The first line of what an error says; of one that says nothing its name."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
