"""Write the reference pages: commands, settings, ``source.yml`` and every gold table, each from where it is declared.

``python -m runtime.reference`` writes ``docs/reference/``; with ``--check`` it only says which pages differ and exits 1. The
pages of the sources' own tables are written with what else follows from their contracts (dlt_sources/derive.py).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from foundation.derived import remove_others, table, write_all
from foundation.environment import PREFIX, ROOT

FOLDER = ROOT / "docs" / "reference"
_DERIVED = "`make derive` writes this page from `{}`; do not edit it."
_WORDS = {"str": "text", "int": "number", "float": "number", "Path": "path", "datetime": "time"}


def pages() -> Iterator[tuple[Path, str]]:
    """Every page: (path, content)."""
    import settings as configuration
    from dlt_sources import reference as sources
    from sqlmesh_project import reference as models

    yield FOLDER / "commands.md", commands()
    yield FOLDER / "settings.md", settings()
    yield from sources.pages()
    for domain, text in models.pages(configuration.load()).items():
        yield FOLDER / "gold" / f"{domain}.md", text


def commands() -> str:
    """The page of the command line: every command with its arguments and options."""
    import typer

    from .commands import app

    lines = ["# Commands", "", _DERIVED.format("runtime/commands.py"), "", "Exit codes: README, section Every day."]
    for name, command in _commands(typer.main.get_command(app), ""):
        context = command.context_class(command, info_name=f"python runner.py {name}")
        usage = command.get_usage(context).removeprefix("Usage: ")
        lines += ["", f"## {name}", "", f"`{usage}`", "", command.help or ""]
        records = [parameter.get_help_record(context) for parameter in command.params if parameter.name != "help"]
        lines += ["", *table(["argument or option", "meaning"], ([f"`{opts}`", meaning] for opts, meaning in records))]
    return "\n".join(lines).replace(f"{ROOT}/", "") + "\n"


def settings() -> str:
    """The page of the settings: every variable with what it holds."""
    from settings import Bootstrap, Settings

    lines = ["# Settings", "", _DERIVED.format("settings.py"), ""]
    lines += [
        "Each is a variable of the environment or a line of `.env`; the environment wins. Any value may be `secret:NAME` or",
        "`secret:NAME#key`: it is read from AWS Secrets Manager. Sources name settings of their own in `source.yml`, as `${NAME}`",
        "for `ELT_NAME`.",
        "",
        *_settings(Settings.model_fields),
        "",
        "## Of `python -m runtime.bootstrap`",
        "",
        "Besides those of the stores, above:",
        "",
        *_settings(
            {name: field for name, field in Bootstrap.model_fields.items() if name not in Settings.model_fields}
        ),
    ]
    return "\n".join(lines) + "\n"


def _settings(fields: dict[str, FieldInfo]) -> list[str]:
    rows = []
    for name, field in fields.items():
        default = "**required**" if field.is_required() else _default(field.default)
        rows.append([f"`{PREFIX}{name.upper()}`", _kind(field.annotation), default, field.description or ""])
    return table(["variable", "value", "default", "meaning"], rows)


def _default(value: Any) -> str:
    if value is None or value == "" or (isinstance(value, SecretStr) and not value.get_secret_value()):
        return ""
    if isinstance(value, Path) and value.is_relative_to(ROOT):
        value = value.relative_to(ROOT)
    return f"`{value}`"


def _kind(annotation: Any) -> str:
    choices = get_args(annotation)
    if choices and all(isinstance(choice, str) for choice in choices):
        return ", ".join(f"`{choice}`" for choice in choices)
    kinds = [kind for kind in choices or (annotation,) if kind is not type(None)]
    return "text, secret" if kinds[0] is SecretStr else _WORDS.get(getattr(kinds[0], "__name__", ""), "text")


def _commands(group: Any, above: str) -> Iterator[tuple[str, Any]]:
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from _commands(command, f"{above}{name} ")
        else:
            yield above + name, command


def main(*, check: bool) -> int:
    """Write or compare the pages; 1 when with `check` one differs."""
    found = dict(pages())
    differing = write_all(found.items(), check=check)
    differing += remove_others(FOLDER / "gold", found, check=check)
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
