"""Why no source can be made of what was given, in words."""

from __future__ import annotations

from errors import ExitCode, MillraceError
from foundation.visible import visible


class SampleError(MillraceError):
    """A sample that no source can be made of, or a name that is taken; the message says what to give instead."""

    exit_code = ExitCode.CONFIGURATION

    def __init__(self, text: str) -> None:
        super().__init__(visible(text))
