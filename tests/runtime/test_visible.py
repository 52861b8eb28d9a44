"""What comes from outside is shown and not obeyed: a terminal, or rich's markup, gets no orders from a row."""

import pytest

from errors import ExitCode, MillraceError
from foundation.console import Console
from foundation.exits import say_and_exit

HOSTILE = "\x1b]0;title\x07\x1b[2J[red]row\u202e[/red]\r"


class Fault(MillraceError):
    exit_code = ExitCode.CONFIGURATION


def test_nothing_that_is_said_moves_the_cursor_or_changes_colours(capsys):
    console = Console()
    console.note(HOSTILE)
    console.problem(HOSTILE)
    console.blocks([(HOSTILE, HOSTILE)])
    console.table("t", [{"row": HOSTILE}], "none")
    with pytest.raises(SystemExit):
        say_and_exit(Fault(HOSTILE))
    said = "".join(capsys.readouterr())
    assert said.count("[red]row") == 6 and "\\u001b]0;title\\u0007" in said, said
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(said)
