"""What the environment and `.env` give to this project: the ``ELT_`` names, where each comes from, and which are known.

A data folder that the demo made carries the demo's own settings (`Demo`). Whoever works on that folder gets those and
nothing of the user's: neither `.env` nor the variables of the shell.
"""

from __future__ import annotations

import difflib
import io
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from errors import ExitCode, MillraceError

from .setting_types import usable_folder

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "ELT_"
FILE = ".env"
MARK = "demo.json"
OF_THE_MACHINE = ("ELT_MEMORY", "ELT_RETRY_PACE", "ELT_WAREHOUSE_WAIT")
"""What the demo takes from the environment: how this machine works, not where anything is."""
_REFERENCE = re.compile(r"\$\{(\w+)\}|\bELT_(\w+)")


class SettingsError(MillraceError):
    """The environment does not describe a world that can run; the message says what to change."""

    exit_code = ExitCode.CONFIGURATION


class Demo(BaseModel):
    """The mark of a data folder that the demo made, and the settings that hold there.

    Attributes:
        folder: where it was made; a copy in another place is no longer the demo's.
        sources: the only sources that exist there.
        domains: the only domains of gold.
        environment: settings by their ``ELT_`` names.
    """

    model_config = ConfigDict(extra="forbid")

    made_by: str
    folder: Path
    sources: list[str]
    domains: list[str]
    environment: dict[str, str]


@dataclass
class Given:
    """Settings by their ``ELT_`` names, each with its place in words, and what is wrong with their file."""

    values: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    demo: Demo | None = None


def read(environment: Mapping[str, str], root: Path) -> Given:
    """What holds for this process: the environment, then `.env`; or a demo's own settings and nothing else.

    An empty value means that the name is not set, and hides the one in `.env`.

    Args:
        root: the checkout; `.env` and relative data folders count from there.
    """
    named = environment.get("ELT_DATA_DIR", "")
    if named and (demo := _demo_named(named, root)):
        return _of_demo(demo, environment)
    given = read_file(root / FILE)
    for name in environment:
        if name.upper().startswith(PREFIX):
            given.values[name], given.places[name] = environment[name], "in the environment"
    given.values = {name: value for name, value in given.values.items() if value}
    demo = _demo_named(given.values.get("ELT_DATA_DIR", "data"), root)
    return _of_demo(demo, environment) if demo else given


def _demo_named(text: str, root: Path) -> Demo | None:
    try:
        return demo_in(folder_of(text, root))
    except ValueError:
        return None  # the setting is refused where its value is looked at


def _of_demo(demo: Demo, environment: Mapping[str, str]) -> Given:
    kept = {name: environment[name] for name in OF_THE_MACHINE if environment.get(name)}
    values = kept | demo.environment | {"ELT_TARGET": "local", "ELT_DATA_DIR": str(demo.folder)}
    return Given(values, dict.fromkeys(values, f"in {demo.folder / MARK}"), demo=demo)


def read_file(path: Path) -> Given:
    """The ``ELT_`` names of a `.env`; a line that says nothing is a problem, named by its number only."""
    given = Given()
    if not path.exists():
        return given
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else f"cannot be read ({error.strerror})"
        given.problems.append(f"{path} {why}; write it again after .env.example, or move it away")
        return given
    lines = list(parse_stream(io.StringIO(text)))
    for line in lines:
        text_of_line = line.original.string
        number = line.original.line + text_of_line[: len(text_of_line) - len(text_of_line.lstrip())].count("\n")
        if line.error or (line.key and line.value is None and line.key.upper().startswith(PREFIX)):
            given.problems.append(f"{path}, line {number}: must be NAME=VALUE, with quotes closed; correct the line")
        elif line.key:
            given.places[line.key] = f"in .env, line {number}"
    found = dotenv_values(stream=io.StringIO("".join(line.original.string for line in lines if not line.error)))
    given.values = {name: value or "" for name, value in found.items() if name.upper().startswith(PREFIX)}
    return given


def demo_in(folder: Path) -> Demo | None:
    """The mark of a folder that the demo made there; None where there is none, or it is another folder's."""
    try:
        demo = Demo.model_validate_json((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        return None
    return demo if demo.folder == folder.resolve() else None


def folder_of(text: str, root: Path) -> Path:
    """A folder as a setting names it: `~` is the home, a relative one counts from the checkout.

    Raises:
        ValueError: `~name` of a user who does not exist.
    """
    try:
        return root / Path(text).expanduser()
    except RuntimeError:
        raise ValueError("begins with `~` and a user who does not exist; write the whole path") from None


def names_of_sources(folder: Path) -> set[str] | None:
    """The ``ELT_`` names that any source's files refer to, also of sources that cannot be loaded; None without sources.

    Args:
        folder: `dlt_sources`, with a folder per source.
    """
    if not folder.is_dir():
        return None  # an image without sources, as Superset's
    files = [
        path for kind in ("yml", "py") for path in folder.glob(f"*/*.{kind}") if not path.parent.name.startswith("_")
    ]
    text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files if path.is_file())
    return {f"{PREFIX}{(own or direct).upper()}" for own, direct in _REFERENCE.findall(text)}


def unknown(given: Given, known: Collection[str]) -> Iterator[str]:
    """A line for every name that nothing reads, with the nearest one that exists. Values are not shown.

    Args:
        known: names beside those that sources refer to.
    """
    of_sources = names_of_sources(ROOT / "dlt_sources")
    if given.demo or of_sources is None:
        return
    names = sorted({*known, *of_sources})
    for name in given.values:
        if name not in names:
            near = difflib.get_close_matches(name.upper(), names, n=1, cutoff=0.7)
            fix = f"did you mean {near[0]}?" if near else "remove it; .env.example and each source.yml name what exists"
            yield f"{name} ({given.places[name]}) is not a setting, and no source refers to it: {fix}"


def explain(given: Given, error: ValidationError) -> Iterator[str]:
    """A line for every value that is refused: its name, where it comes from, what is wanted. Values are not shown."""
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        text = item["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        name = f"{PREFIX}{str(item['loc'][0]).upper()}" if item["loc"] else ""
        yield f"{name} ({given.places.get(name, 'not set')}): {text}" if name else text


def current() -> Given:
    """What holds for this process now."""
    return read(os.environ, ROOT)


def demo_folder() -> Path:
    """The folder of `runner.py demo`: the one setting that the demo shares with the user's own runs.

    Raises:
        SettingsError: it cannot be a data folder; or it is, holds or lies in the folder of the user's own data.
    """
    own = read_file(ROOT / FILE).values | dict(os.environ)
    try:
        folder = ROOT / usable_folder(Path(own.get("ELT_DEMO_DATA_DIR") or "data-demo"))
    except ValueError as error:
        raise SettingsError(f"ELT_DEMO_DATA_DIR: {error}") from None
    try:
        data = folder_of(own.get("ELT_DATA_DIR") or "data", ROOT)
    except ValueError:
        data = ROOT / "data"  # of no concern to the demo: a run will refuse it
    one, other = folder.resolve(), data.resolve()
    if (one.is_relative_to(other) or other.is_relative_to(one)) and not demo_in(other):
        raise SettingsError(
            f"the demo's folder {folder} and the folder of your own data {data} must be apart; give ELT_DEMO_DATA_DIR"
            " another one, such as data-demo"
        )
    return folder


def use_demo() -> None:
    """Let everything in this process work on the demo's data folder, as ``ELT_DATA_DIR`` does for a command.

    Raises:
        SettingsError: there is no demo's data.
    """
    folder = demo_folder()
    if demo_in(folder) is None:
        raise SettingsError(f"there is no demo's data in {folder}: `python runner.py demo` comes first")
    os.environ["ELT_DATA_DIR"] = str(folder)


class _Source(PydanticBaseSettingsSource):
    """What `current` finds, as values of a class's fields."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str | None, str, bool]:
        """The value of one field, as the library asks for it."""
        return current().values.get(f"{PREFIX}{field_name.upper()}"), field_name, False

    def __call__(self) -> dict[str, str]:
        """The values of all fields that are set."""
        values = current().values
        names = {name: f"{PREFIX}{name.upper()}" for name in self.settings_cls.model_fields}
        return {name: values[variable] for name, variable in names.items() if variable in values}


class FromEnvironment(BaseSettings):
    """Settings whose names in the environment are the fields' names with ``ELT_`` before them."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: object, **__: object
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the caller names, then what the environment, `.env` or the demo's own settings give."""
        return init_settings, _Source(settings_cls)
