"""The log holds what the console showed, for its owner alone, and does not grow."""

import io
import os
import re
import stat

import pytest

import settings as configuration
from errors import ExitCode, MillraceError
from foundation import logs
from foundation.console import Console
from runtime.faults import Faults
from warehouse.ops import Run


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    return configuration.load()


def text_of(here):
    return logs.path_of(here).read_text()


def messages(here):
    return [re.sub(r"^\S+Z \d+ [A-Z]+ +", "", line, count=1) for line in text_of(here).splitlines()]


def test_it_holds_the_text_that_the_console_showed(here, capsys):
    with logs.log_to_file(here, "run") as log:
        console = Console(log=log)
        with console.step("land", "shop[bold]") as step:
            step.done({"things": 1200}, {"things": 3})
        console.note("[red]not markup[/red]")
        console.problem("first line\n    second line")
        with pytest.raises(ValueError), console.step("refine", "shop"):
            raise ValueError("alice@example.com")
        console.summary(Run("run", ["shop"], "local", landed=3, exit_code=1))
    shown = capsys.readouterr()
    lines = [line.rstrip() for line in (shown.out + shown.err).splitlines()]
    logged = [line.rstrip() for line in messages(here)]
    assert logged[0] == "run begins" and {line.strip() for line in logged[1:]} == {line.strip() for line in lines}
    assert all(
        re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \d+ (INFO|ERROR) ", line) for line in text_of(here).splitlines()
    )
    assert "alice" not in text_of(here)


def test_with_json_it_holds_the_same(here, capsys):
    with logs.log_to_file(here, "run") as log:
        Console(as_json=True, log=log).summary(Run("run", ["shop"], "local", landed=3))
        Console(as_json=True, log=log).summary(None)
    assert capsys.readouterr().out.startswith("{")
    assert messages(here)[1].strip().startswith("ok  landed 3 rows") and "Nothing is due" in messages(here)[2]


def test_a_mistake_is_logged_without_what_it_says(here):
    with logs.log_to_file(here, "run") as log:
        faults = Faults(Run("run", ["shop"], "local"), Console(log=log))
        with faults.isolate("land", "shop"):
            raise_a_mistake("alice@example.com")
    said = text_of(here)
    assert "KeyError, raised in:" in said and "raise_a_mistake" in said
    assert "alice" not in "\n".join(line for line in said.splitlines() if "problem" not in line)


def raise_a_mistake(text):
    return {}[text]


@pytest.mark.parametrize("code", [2, 70])
def test_what_ends_the_command_is_logged(here, code):
    class Known(MillraceError):
        exit_code = ExitCode.CONFIGURATION

    error = Known("the setting is wrong") if code == 2 else KeyError("alice@example.com")
    with pytest.raises(type(error)), logs.log_to_file(here, "run"):
        raise error
    said = text_of(here)
    assert ("error: the setting is wrong" in said) == (code == 2) and "alice" not in said
    assert ("KeyError, raised in:" in said) == (code == 70)


@pytest.mark.parametrize("before", [None, 0o777])
def test_only_its_owner_can_read_it(here, before):
    path = logs.path_of(here)
    if before:
        path.parent.mkdir(parents=True)
        path.parent.chmod(before)
        path.write_text("")
        path.chmod(0o666)
    mask = os.umask(0)
    try:
        with logs.log_to_file(here, "run") as log:
            log.write("x")
    finally:
        os.umask(mask)
    for part in (path, path.parent):
        assert stat.S_IMODE(part.stat().st_mode) & 0o077 == 0


def test_it_does_not_grow_and_the_newest_lines_stay(here, monkeypatch):
    monkeypatch.setattr(logs, "LONGEST", 2000)
    for number in range(300):
        with logs.log_to_file(here, "run") as log:
            log.write(f"line {number}")
    files = list(logs.path_of(here).parent.iterdir())
    assert len(files) == logs.COUNT and all(path.stat().st_size <= 2000 for path in files)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    assert "line 299" in text_of(here)


@pytest.mark.parametrize("odd", ["\x1b[2J", "\u202e", "a\x00b", "\ud800", "\r"])
def test_it_is_text_that_a_terminal_obeys_in_nothing(here, odd):
    with logs.log_to_file(here, "run") as log:
        log.write(f"from outside: {odd}!")
    assert odd not in logs.path_of(here).read_bytes().decode("utf-8") and "from outside: " in text_of(here)


def test_a_folder_that_cannot_be_written_stops_nothing(here, capsys):
    here.data.mkdir()
    logs.path_of(here).parent.write_text("a file where the folder must be")
    with logs.log_to_file(here, "run") as log:
        Console(log=log).note("still said")
    assert "still said" in capsys.readouterr().out and isinstance(capsys.readouterr().err, str)


def test_a_closed_stream_of_the_console_is_not_a_matter_of_the_log(here):
    with logs.log_to_file(here, "run") as log:
        console = Console(log=log)
        console.out.file = io.StringIO()
        console.summary(Run("run", [], "local"))
    assert "nothing to publish" in text_of(here)
