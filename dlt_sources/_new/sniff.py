"""How the texts of a new source are written: encoding, delimiter, the lines before the header, and whether there is one."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from settings import Settings

from .._steps.declared.declaration import Source
from .._steps.declared.file_names import DELIMITED, JSON_LINES, is_json_lines
from .._steps.declared.source_kinds import FilesSource
from .._steps.land.connectors import files as file_connector
from .._steps.land.connectors.candidate import NotPublishedError
from .._steps.land.connectors.text_files import FileError, as_text
from .._steps.land.request import Request
from .guess_numbers import READERS
from .sample_error import SampleError
from .written_times import read_texts

_DELIMITERS = ",;\t|"
_LINES = 40
"""Of a text that are looked at."""
_ALIKE = 0.8
"""Share of the lines, or of a column's values, that decides."""
_LEAST = 3
"""Rows below a line that can tell whether it is the header."""
_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
"""A first line by which Excel says what is between the cells."""
_YEAR = re.compile(r"(19|20)\d\d")


def sniff(source: Source, name: str, settings: Settings, work: Path) -> dict[str, Any]:
    """How the newest text of a table is written: the connection's `delimiter`, `encoding`, `skip_lines` and `header`, where they are
    not the usual ones.

    Raises:
        SampleError: there is no file. SourceError: they cannot be read.
    """
    declared, table = source.declared, source.tables[name]
    assert isinstance(declared, FilesSource)
    work.mkdir(parents=True, exist_ok=True)
    request = Request(source, name, table, None, settings.clock(), settings, work)
    found = list(islice(file_connector.candidates(request, declared.connection), 1000))
    if not found:
        raise SampleError(
            f"{source.name}: no file is called {', '.join(table.files)}; correct --from, or deliver a file first"
        )
    for candidate in reversed(found):
        path, kind = work / "sniffed", candidate.name.lower()
        if not kind.endswith((*DELIMITED, *JSON_LINES, ".xlsx")):
            continue
        try:
            candidate.fetch(path, None)
            if kind.endswith(".xlsx"):
                as_text(path, candidate.name, declared.connection)
        except (FileError, NotPublishedError):
            continue
        with gzip.open(path) if kind.endswith(".gz") else path.open("rb") as file:
            head = file.read(1 << 20)
        if is_json_lines(candidate.name):  # which are UTF-8, or say in their first bytes that they are not
            return {"encoding": "utf-16"} if _encoding(head) == "utf-16" else {}
        return written_as(head)
    return {}


def list_remarks(found: Mapping[str, Any]) -> Iterator[str]:
    """What people should know of how a text is written."""
    if names := found.get("header"):
        why = "names columns twice or not at all" if found.get("skip_lines") else "is a row already"
        yield (
            f"the first line {why}: the columns are called {', '.join(names[:6])}{' ...' if len(names) > 6 else ''} by their place;"
            " give them better names in `header` and `path`"
        )


def written_as(head: bytes) -> dict[str, Any]:
    """How a CSV is written, by its first bytes: what is not as usual, as keys of the connection."""
    encoding = _encoding(head)
    lines = head.decode(encoding, "replace").lstrip("\ufeff").splitlines()[:_LINES]
    delimiter, skipped = _layout(lines)
    rows = list(csv.reader(lines[skipped:], delimiter=delimiter))
    header: list[str] = []
    if _has_no_header(rows):
        header = [f"column_{place}" for place in range(1, len(rows[0]) + 1)]
    elif len(rows) > 1 and len(rows[0]) > 1 and rows[0] != (names := _name_each(rows[0])):
        header, skipped = names, skipped + 1
    found = {"delimiter": delimiter, "encoding": encoding, "skip_lines": skipped, "header": header}
    usual = {"delimiter": ",", "encoding": "utf-8", "skip_lines": 0, "header": []}
    return {key: value for key, value in found.items() if value != usual[key]}


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        (head[: head.rfind(b"\n") + 1] or head).decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _layout(lines: list[str]) -> tuple[str, int]:
    """What is between the cells, and how many lines are before the header."""
    if lines and (said := _SEPARATOR.fullmatch(lines[0])):
        return said[1], 1
    delimiter = max(_DELIMITERS, key=lambda sign: (_columns(lines, sign), -_DELIMITERS.index(sign)))
    if _columns(lines, delimiter):
        return delimiter, 0
    behind = [(*found, sign) for sign in _DELIMITERS if (found := _below_title(lines, sign))]
    return max(behind, key=lambda found: found[0])[::-1][:2] if behind else (delimiter, 0)


def _columns(lines: list[str], delimiter: str) -> int:
    """How many columns the lines have by a delimiter; 0 where not all have as many as the first."""
    rows = list(csv.reader(lines, delimiter=delimiter))
    first = len(rows[0]) if rows else 0
    alike = sum(len(row) == first for row in rows)
    return first if first > 1 and alike >= len(rows) * _ALIKE else 0


def _below_title(lines: list[str], delimiter: str) -> tuple[int, int] | None:
    """(columns, lines before them) of a table that begins below other lines; None: there is none."""
    reader = csv.reader(lines, delimiter=delimiter)
    begins, rows = [0], []
    for row in reader:
        rows.append(row)
        begins.append(reader.line_num)
    width, count = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
    if width < 2 or count <= _LEAST:
        return None
    first = next(place for place, row in enumerate(rows) if len(row) == width)
    if first == 1 and len(rows[0]) > 1:  # a header of another width, rather than a title
        return None
    return (width, begins[first]) if count >= len(rows[first:]) * _ALIKE else None


def _has_no_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first line is a row: it has numbers and times where the rows below have them. Years and a count may be names."""
    first = rows[0] if rows else []
    below = [row for row in rows[1:] if len(row) == len(first)]
    if len(below) < _LEAST or _counts(first):
        return False
    proofs = 0
    for place, cell in enumerate(first):
        kinds = Counter(_kind(row[place]) for row in below if row[place].strip())
        main, count = kinds.most_common(1)[0] if kinds else ("text", 0)
        if main == "text" or count < kinds.total() * _ALIKE or not cell.strip():
            continue
        if _kind(cell) != main:
            return False
        proofs += not _YEAR.fullmatch(cell.strip())
    return proofs > 0


def _counts(cells: Sequence[str]) -> bool:
    """Whether cells count on, such as the days of a month."""
    numbers = [int(cell) for cell in cells if re.fullmatch(r"\d{1,4}", cell.strip())]
    return len(numbers) > 2 and all(after == number + 1 for number, after in pairwise(numbers))


def _kind(cell: str) -> str:
    text = cell.strip()
    if any(reads(text) for reads, _ in READERS):
        return "number"
    return "time" if read_texts([text]) else "text"


def _name_each(names: Sequence[str]) -> list[str]:
    """The names of a header, each of them once: one that is missing says its place, one that comes again is counted."""
    given: list[str] = []
    taken = {name.lower() for name in names if name}
    for place, name in enumerate(names, 1):
        own = name or f"column_{place}"
        number, whole = 1, own
        while whole.lower() in {other.lower() for other in given} or (number > 1 and whole.lower() in taken):
            number += 1
            whole = f"{own}_{number}"
        given.append(whole)
    return given
