"""Every command of Millrace that a script, a workflow or a block of the documentation gives is one that it takes."""

import contextlib
import itertools
import re
import shlex
import subprocess

import pytest
import typer

from runtime.commands import app
from tests.harness import ROOT

BLOCK = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
RUNNER = re.compile(r"runner\.py +([^\n`]*)")
MAKE = re.compile(r"make (demo|run|dashboards) ARGS=([\"'])(.*?)\2")
REFUSED = typer.BadParameter.__base__
"""What a command line that is not taken raises."""
BEHIND_MAKE = {"demo": "demo", "run": "run", "dashboards": "dashboards serve"}


def commands(name, text):
    """The command lines in a file, without the program."""
    if name.endswith(".md"):
        text = "\n".join(BLOCK.findall(text))
    text = text.replace("\\\n", " ").replace("$(ARGS)", "")
    yield from (line for line in RUNNER.findall(text) if not line.startswith("."))
    yield from (f"{BEHIND_MAKE[target]} {options}" for target, _, options in MAKE.findall(text))


def parse(line):
    """Let every command and option on a line be read, and its value be judged; nothing runs.

    Raises:
        REFUSED: it would be refused.
    """
    words = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
    words.whitespace_split = True
    arguments = list(itertools.takewhile(lambda word: not set(word) <= set("();<>|&"), words))
    command = typer.main.get_command(app)
    parent = None
    while isinstance(command, typer.core.TyperGroup):
        parent = command.make_context(command.name, arguments, parent)
        arguments = [*parent._protected_args, *parent.args]
        if not arguments:
            return
        _, command, arguments = command.resolve_command(parent, arguments)
    command.make_context(command.name, arguments, parent)


def files():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    wanted = ("Makefile", "compose.yaml", ".ci/run", ".ci/bare")
    return [
        name
        for name in listed
        if (name in wanted or name.endswith(".md") or name.startswith((".github/", "terraform/")))
        and (ROOT / name).exists()  # git lists what was removed until that is committed
    ]


def written():
    for name in files():
        path = ROOT / name
        if path.suffix in ("", ".md", ".yml", ".yaml", ".tf", ".sh"):
            yield from ((name, line.strip()) for line in commands(name, path.read_text("utf-8")))


@pytest.mark.parametrize(("name", "line"), sorted(set(written())))
def test_it_is_taken(name, line):
    with contextlib.suppress(typer.Exit):  # by an option such as --help
        parse(line)


def test_commands_are_found():
    found = dict.fromkeys(name for name, _ in written())
    assert {"README.md", "Makefile", ".ci/bare", ".github/workflows/pull-request.yml", "docs/how-to.md"} <= set(found)


@pytest.mark.parametrize(
    "text",
    ['make demo ARGS="--scale 0.01"', "python runner.py replay", "python runner.py run --nwo", "./runner.py rnu"],
)
def test_one_that_is_not_taken_is_found(text):
    with pytest.raises(REFUSED):
        [parse(line) for line in commands("x.yml", text)]
