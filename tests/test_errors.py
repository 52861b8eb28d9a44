"""Every error that is raised on purpose is of one family, drawn in errors.py, and every exit code is in the README."""

import ast
import re

import errors
from errors import ExitCode
from tests.harness import CODE, ROOT

FILES = [path for name in (*CODE, "demo") for path in (ROOT / name).rglob("*.py") if ".venv" not in path.parts]


def classes():
    """(name, bases, exit code or None) of every error class of the project."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                codes = [
                    ast.unparse(line.value)
                    for line in node.body
                    if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "exit_code"
                ]
                yield node.name, [ast.unparse(base).rpartition(".")[2] for base in node.bases], codes


FOUND = {name: (bases, codes) for name, bases, codes in classes()}


def is_of_the_family(name):
    return name == "MillraceError" or any(is_of_the_family(base) for base in FOUND.get(name, ([], []))[0])


def code_of(name):
    bases, codes = FOUND[name]
    return ExitCode[codes[0].rpartition(".")[2]] if codes else next(code_of(base) for base in bases if base in FOUND)


def test_the_family_is_drawn_as_it_is():
    drawn = {name: int(code) for name, code in re.findall(r"(\w+Error) \((\d+)\)", errors.__doc__)}
    family = {name for name in FOUND if is_of_the_family(name)}
    assert len(family) > 15
    assert drawn == {name: int(code_of(name)) for name in family}


def test_an_exit_code_is_given_by_its_name():
    for name, (_, codes) in FOUND.items():
        assert all(re.fullmatch(r"ExitCode\.\w+", code) for code in codes), name


def test_the_readme_says_what_each_exit_code_means():
    readme = (ROOT / "README.md").read_text()
    for code in ExitCode:
        assert re.search(rf"^\| {int(code)} \|", readme, re.M), code
