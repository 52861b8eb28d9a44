"""Make a source of a sample: read, infer, judge by the real judge, write."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from settings import Settings

from .._steps.declared import names, own_code
from .._steps.declared.declaration import FOLDER, Source
from .._steps.declared.file_names import is_json_lines
from .._steps.declared.source_error import NEXT, SourceError, explain
from .._steps.declared.source_kinds import FilesSource
from . import databases, provisional, write
from .fields import Found, find_cursor
from .guess import loosen
from .judging import Verdict, judge_sample
from .login import WANTED, ask_for_login
from .of_each import OfEach, read_children
from .origin import Origin, find_origin
from .remarks import list_doubts, list_seen
from .rows import records_of, tables_of, why_nothing
from .sample import Sample, read_sample
from .sample_error import SampleError
from .sniff import list_remarks, sniff

_TRIES = 4
NOTHING = "nothing was written"
_TOO_MANY = 0.05
"""Share of rows rejected by one field from which on the field was guessed wrong."""


@dataclass
class Made:
    """A source that was made of a sample.

    Attributes:
        files: by their path below `dlt_sources/`.
        verdicts: what the judge says of the sample. doubts: what the sample leaves open, by table and field.
        setting: the `ELT_` name that has to hold the address; "" for none.
        written: whether the files are there.
    """

    name: str
    files: dict[str, str]
    verdicts: list[Verdict]
    seen: list[str]
    doubts: list[str]
    setting: str = ""
    written: bool = False
    tables: list[Found] = field(default_factory=list)


def make_source(
    name: str,
    given: str,
    settings: Settings,
    *,
    table: str | None = None,
    selector: str | None = None,
    headers: Sequence[str] = (),
    auth: str | None = None,
    body: str | None = None,
    dry_run: bool = False,
    folder: Path = FOLDER,
) -> Made:
    """Make the source `name` of what `given` leads to.

    Raises:
        SampleError: the name is taken or cannot be one, nothing can be made of the sample, or a server wants a login.
        SourceError: it could not be read.
    """
    refuse_name(name, folder)
    origin = find_origin(name, given, table, selector, headers, auth, body)
    for variable, value in origin.lent.items():
        settings = settings.lend(variable, value)
    with scratch() as work:
        try:
            made = _infer(name, origin, settings, work)
        except requests.RequestException as error:
            raise explain(error, name, f"check the address, and that it is up; {NOTHING}") from None
        except SourceError as error:
            if error.status not in WANTED:
                text = error.text.replace(f". {NEXT}", f". {NOTHING.capitalize()}").replace(NEXT, NOTHING)
                raise type(error)(text, status=error.status) from None
            raise ask_for_login(error, name, origin.text, origin.connection, origin.challenge) from None
        if not dry_run:
            _put(made, folder)
    return made


def refuse_name(name: str, folder: Path = FOLDER) -> None:
    """Refuse a name that no new source can have.

    Raises:
        SampleError: there is such a source, or the name cannot be one.
    """
    if (folder / name).exists():
        raise SampleError(
            f"dlt_sources/{name} exists, and `new` writes over nothing: choose another name, or move the folder away"
        )
    if reason := names.refuse_source(folder / name):
        raise SampleError(f"{name!r}: {reason.replace('rename the folder', 'choose another name')}")


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for rows in passing, which nobody else can look into; it is removed."""
    folder = Path(tempfile.mkdtemp(prefix="millrace-sample-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _infer(name: str, origin: Origin, settings: Settings, work: Path) -> Made:
    """The files of the source, judged."""
    place = work / "sources" / name
    place.mkdir(parents=True)
    origin, declared, key = _look(origin, settings, place, work)
    source = provisional.declare(place, origin, declared)
    sample = read_sample(source, origin.table, settings, work / "sample")
    records = records_of(sample.files)
    if not records:
        raise SampleError(
            f"--from {origin.text}: {why_nothing(sample.files)}: there is nothing to infer a contract from"
        )
    tables = tables_of(
        records,
        origin.table,
        cells=origin.connector == "html_table" or _is_text(origin, sample),
        nests=origin.connector == "rest_api" or all(map(is_json_lines, sample.names or ["rows"])),
        by_file=isinstance(source.declared, FilesSource),
        declared=declared,
        key=key,
    )
    _place_tables(origin, tables)
    samples, of_each = {tables[0].name: sample.files}, OfEach()
    if origin.connector == "rest_api" and "json" not in origin.place["endpoint"]:
        of_each = read_children(origin, tables[0], records, settings, place, work / "children")
        tables, samples = [*tables, *of_each.tables], samples | of_each.files
    verdicts = _judge(name, origin, tables, samples, settings, place, work)
    seen = list(list_seen(origin, sample, tables, of_each.seen))
    doubts = list(list_doubts(origin, tables, sample, verdicts))
    files = _files(name, origin, tables, seen, doubts)
    return Made(name, files, verdicts, seen, doubts, origin.setting, tables=tables)


def _look(
    origin: Origin, settings: Settings, place: Path, work: Path
) -> tuple[Origin, dict[str, tuple[str, bool]], list[str]]:
    """What can be known before rows are read: an API's pages, a database's columns and key, how a CSV is written."""
    declared: dict[str, tuple[str, bool]] = {}
    key: list[str] = []
    if origin.connector == "rest_api":
        from .probe import probe

        origin = probe(origin, settings)
    elif origin.connector == "sql_database":
        declared, key = databases.inspect(origin, settings)
    elif origin.connector == "files":
        found = sniff(provisional.declare(place, origin, {}), origin.table, settings, work / "sniffed")
        origin.connection |= found
        origin.notes += list_remarks(found)
    return origin, declared, key


def _is_text(origin: Origin, sample: Sample) -> bool:
    return origin.connector == "files" and not any(
        name.lower().endswith(".parquet") or is_json_lines(name) for name in sample.names
    )


def _place_tables(origin: Origin, tables: list[Found]) -> None:
    """Say where the first table is read, and from when on where the source can be asked for that."""
    first = tables[0]
    place = {**origin.place, **first.place}
    window = origin.place.get("endpoint", {}).get("window")
    times = [
        f.name for f in first.fields if f.guess.annotation in ("datetime", "date") and not f.nullable and not f.pii
    ]
    cursor = (
        find_cursor(first.fields) if origin.connector == "sql_database" else next(iter(times), None) if window else None
    )
    if cursor:
        place |= {"cursor": cursor, "overlap": "P1D" if origin.connector == "sql_database" else "P3D"}
        first.doubts.append(
            f"cursor {cursor}: later runs read from its newest value on; does it move whenever a row changes?"
        )
    elif window:
        endpoint = {name: value for name, value in place["endpoint"].items() if name != "window"} | {
            "params": origin.asked
        }
        place = {name: value for name, value in place.items() if name != "start"} | {"endpoint": endpoint}
    first.place = place


def _judge(
    name: str,
    origin: Origin,
    tables: list[Found],
    samples: Mapping[str, list[Path]],
    settings: Settings,
    place: Path,
    work: Path,
) -> list[Verdict]:
    """Judge the sample by the contract that is to be written; a field that many rows break was guessed wrong, and becomes text."""
    for attempt in range(_TRIES):
        for path, text in _files(name, origin, tables, [], []).items():
            (place.parent / path).write_text(text, encoding="utf-8")
        own_code.forget(place)
        source = Source(place)
        source.check()
        verdicts = judge_sample(source, samples, settings, work / f"judged{attempt}", most=0)
        if not _loosen(tables, verdicts):
            break
    return verdicts


def _loosen(tables: list[Found], verdicts: list[Verdict]) -> bool:
    """Make text of the fields that too many rows break; whether there are any."""
    loosened = False
    named = {verdict.table: verdict for verdict in verdicts}
    for table, verdict in ((table, named[table.name]) for table in tables if table.name in named):
        counts: dict[str, int] = {}
        for (place, _, _), count in verdict.reasons.items():
            counts[place.split(".")[0]] = counts.get(place.split(".")[0], 0) + count
        for found in table.fields:
            broken = counts.get(found.name, 0)
            if found.leaf and broken > verdict.landed * _TOO_MANY and found.guess != loosen(found.leaf):
                found.guess, found.blank, loosened = loosen(found.leaf), (), True
                found.nullable = found.nullable or (found.name not in table.key and found.leaf.can_be_null)
    return loosened


def _files(
    name: str, origin: Origin, tables: Sequence[Found], seen: Sequence[str], doubts: Sequence[str]
) -> dict[str, str]:
    return {
        f"{name}/__init__.py": f'"""{name.replace("_", " ").capitalize()}."""\n',
        f"{name}/source.yml": write.source_yml(name, origin, tables),
        f"{name}/contract.py": write.contract_py(name, tables),
        f"{name}/README.md": write.readme(name, origin, tables, seen, doubts),
    }


def _put(made: Made, folder: Path) -> None:
    """Write the files, whole or not at all."""
    draft = folder / f"_{made.name}_draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for path, text in made.files.items():
        (draft / Path(path).name).write_text(text, encoding="utf-8")
    try:
        draft.rename(folder / made.name)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    made.written = True
