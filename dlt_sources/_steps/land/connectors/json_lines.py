"""JSON lines as landed records: each line is one, to the letter, cut and counted by Arrow in constant memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from ...contracts.contract import FILE_ROW, MALFORMED, PAYLOAD

PIECE = 16 * 2**20
"""Bytes that are cut into lines at a time."""
BLANKS = " \t\r"
"""What JSON allows around a value, but for the line feed."""
_SCHEMA = pa.schema([(PAYLOAD, pa.large_string()), (MALFORMED, pa.large_string()), (FILE_ROW, pa.int64())])


def is_text(path: Path, longest: int) -> bool:
    """Whether the first line can be one of JSON in UTF-8: binary files and UTF-16 have a NUL in it."""
    with path.open("rb") as file:
        return b"\0" not in file.readline(longest)


def read_lines(path: Path, longest: int) -> pa.RecordBatchReader:
    """The lines of a file that are not blank, as records ``_payload``, numbered from 0.

    A byte that is not UTF-8 is written as ``\\xNN``, which no JSON has: its record is rejected, and the others are not. A
    line of more than `longest` bytes becomes a row of ``_malformed`` alone.
    """
    return pa.RecordBatchReader.from_batches(_SCHEMA, _batches(path, longest))


def _batches(path: Path, longest: int) -> Iterator[pa.RecordBatch]:
    line = row = 0
    with path.open("rb") as file:
        if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            file.seek(0)
        for block in _blocks(file, longest):
            lines = pc.list_flatten(pc.split_pattern(pa.array([block], pa.large_binary()), b"\n"))
            payload, malformed = _records(lines, longest, line)
            kept = pc.not_equal(pc.coalesce(payload, malformed), "")
            line += len(lines)
            payload, malformed = payload.filter(kept), malformed.filter(kept)
            numbers = pa.array(range(row, row + len(payload)), pa.int64())
            row += len(payload)
            yield pa.record_batch([payload, malformed, numbers], schema=_SCHEMA)


def _blocks(file: BinaryIO, longest: int) -> Iterator[bytes]:
    """The file in blocks of whole lines; of a line that is too long no more than shows that it is."""
    rest = b""
    while piece := file.read(PIECE):
        end = piece.rfind(b"\n")
        if end < 0:
            rest = (rest + piece)[: longest + 1]
            continue
        yield rest + piece[:end]
        rest = piece[end + 1 :]
    if rest:
        yield rest


def _records(lines: pa.Array, longest: int, before: int) -> tuple[pa.Array, pa.Array]:
    """(the text of each line without the blanks around it, why it is none)."""
    try:
        texts = lines.cast(pa.large_string())
    except pa.ArrowInvalid:  # some line is not UTF-8
        texts = pa.array((line.decode("utf-8", "backslashreplace") for line in lines.to_pylist()), pa.large_string())
    texts = pc.ascii_trim(texts, characters=BLANKS)
    reasons = pa.nulls(len(texts), pa.large_string())
    too_long = pc.greater(pc.binary_length(lines), longest)
    if not pc.any(too_long).as_py():
        return texts, reasons
    said = [
        f"line {before + place + 1}: Maximum line size of {longest} bytes exceeded (`max_line` in source.yml)"
        if is_long
        else None
        for place, is_long in enumerate(too_long.to_pylist())
    ]
    return pc.if_else(too_long, pa.scalar(None, pa.large_string()), texts), pa.array(said, pa.large_string())
