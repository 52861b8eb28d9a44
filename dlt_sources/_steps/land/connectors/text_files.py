"""Files that hold rows as text, as CSV or JSON lines in UTF-8: unpacked within a bound, decoded, or taken out of an Excel sheet."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ...declared.connections import FilesConnection
from ...declared.source_error import quote_value

_ARCHIVES = (".gz", ".zip", ".zst", ".bz2", ".xz", ".7z", ".tar", ".tgz")
_PLAIN = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson")
_PACKED = tuple(f"{ending}.gz" for ending in _PLAIN)
_PIECE = 1 << 20


class FileError(Exception):
    """A file is not what its name says or lacks what the contract needs; the message says what and what to do."""


def as_text(path: Path, name: str, connection: FilesConnection) -> None:
    """Make a file, in its place, the CSV or the JSON lines that it holds.

    Raises:
        FileError: it is of another kind, damaged, longer than it may be, or not in its encoding.
    """
    kind = name.lower()
    if kind.endswith(".xlsx"):
        _rewrite(path, lambda draft: _sheet_to_csv(path, draft, connection))
        return
    if kind.endswith(_PACKED):
        _rewrite(path, lambda draft: _unpack(path, draft, connection))
    elif not kind.endswith(_PLAIN):
        if kind.endswith(_ARCHIVES):
            raise FileError(
                "archives are not unpacked; deliver the .csv, .jsonl, .csv.gz, .jsonl.gz, .xlsx or .parquet itself"
            )
        raise FileError(
            "not a .parquet, .csv, .tsv, .txt, .csv.gz, .jsonl, .jsonl.gz or .xlsx file; rename it by its type"
        )
    if codecs.lookup(connection.encoding).name != "utf-8":
        _rewrite(path, lambda draft: _decode(path, draft, connection.encoding))


def unify_line_ends(path: Path) -> None:
    """Make every line end with a line feed alone."""

    def write(draft: Path) -> None:
        with path.open("rb") as source, draft.open("wb") as target:
            for line in source:
                target.write(line.removesuffix(b"\n").removesuffix(b"\r") + b"\n")

    _rewrite(path, write)


def _rewrite(path: Path, write: Callable[[Path], None]) -> None:
    draft = path.with_suffix(".draft")
    write(draft)
    draft.replace(path)


def _unpack(path: Path, draft: Path, connection: FilesConnection) -> None:
    """Decompress, never more than the table's bound: 5 MB may hold 5 GB."""
    size = 0
    try:
        with gzip.open(path) as source, draft.open("wb") as target:
            while piece := source.read(_PIECE):
                size += target.write(piece)
                if size > connection.max_unpacked_megabytes * 1e6:
                    raise FileError(_too_long(connection))
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"it cannot be unpacked ({quote_value(error)}); deliver it again") from None
    if size == 0:
        raise FileError("the file is empty; deliver it again")


def _decode(path: Path, draft: Path, encoding: str) -> None:
    try:
        with (
            path.open(encoding=encoding, newline="") as source,
            draft.open("w", encoding="utf-8", newline="") as target,
        ):
            while piece := source.read(_PIECE):
                target.write(piece)
    except UnicodeError as error:
        raise FileError(
            f"it is not in the encoding {encoding} ({quote_value(error)}); correct `encoding` in source.yml, or deliver it again"
        ) from None


def _sheet_to_csv(path: Path, draft: Path, connection: FilesConnection) -> None:
    """Write the cells of the first sheet, or of the one that is named."""
    from openpyxl import load_workbook

    warnings.filterwarnings("ignore", module="openpyxl")  # of styles, which do not matter here
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > connection.max_unpacked_megabytes * 1e6:
            raise FileError(_too_long(connection))
        with path.open("rb") as file, contextlib.closing(load_workbook(file, read_only=True, data_only=True)) as book:
            names = [sheet.title for sheet in book.worksheets]
            wanted = connection.sheet or next(iter(names), "")
            if wanted not in names:
                raise FileError(
                    f"it has no sheet {wanted!r}; it has {quote_value(', '.join(names))}: correct `sheet` in source.yml"
                )
            sheet = book[wanted]
            sheet.reset_dimensions()  # what the file itself says of its size may be wrong
            with draft.open("w", encoding="utf-8", newline="") as target:
                writer = csv.writer(target, delimiter=connection.delimiter, lineterminator="\n")
                writer.writerows(_filled(sheet.iter_rows(values_only=True), connection))
    except FileError:
        raise
    except Exception as error:  # whatever a damaged file raises, of its packing, its XML or its numbers
        raise FileError(f"it cannot be read ({quote_value(error)}); deliver it again") from None
    if draft.stat().st_size == 0:
        raise FileError(f"the sheet {wanted!r} is empty; deliver it again")


def _filled(rows: Iterable[tuple[Any, ...]], connection: FilesConnection) -> Iterator[list[str]]:
    """The rows from the header on, as wide as the header; rows without any value, which only have a format, are left out."""
    width, before = len(connection.header or ()), connection.skip_lines
    for row in rows:
        texts = [_cell(value) for value in row]
        if not any(texts):
            continue
        if before:
            before -= 1
            yield texts[:1]
            continue
        if not width:
            width = max(place for place, text in enumerate(texts, 1) if text)
        texts += [""] * (width - len(texts))  # empty cells at the end are not in the file
        yield texts[:width] if not any(texts[width:]) else texts


def _cell(value: Any) -> str:
    """A cell as the text that a CSV would have: whole numbers without a point, times as ISO 8601."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    return "" if value is None else str(value)


def _too_long(connection: FilesConnection) -> str:
    return (
        f"unpacked it is longer than {connection.max_unpacked_megabytes:g} MB; if that is right, raise"
        " `max_unpacked_megabytes` in source.yml, or deliver it as Parquet"
    )
