"""What is wrong with a declaration, in words: the file, the place in it, the fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from errors import ExitCode, MillraceError
from foundation.visible import visible


class DeclarationError(MillraceError):
    """A source.yml, contract.py or extract.py cannot be used; the message names the file, the place in it and the fix."""

    exit_code = ExitCode.CONFIGURATION

    def __init__(self, text: str) -> None:
        super().__init__(visible(text))


def hint(word: str, known: Iterable[str]) -> str:
    """The known name that was probably meant, or all of them, as the end of a message."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names)}" if names else ""
