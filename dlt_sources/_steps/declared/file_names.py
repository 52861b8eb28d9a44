"""What the names of files say: which table they belong to, of which month they are, in which format, in which order they are read."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import PurePosixPath

JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
DELIMITED = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
_FORMATS = (".parquet", *JSON_LINES, *DELIMITED, ".xlsx")
"""Endings of the names of files that are read, the most exact of the same rows first."""
MONTH = r"(?P<month>\d{4}-(?:0[1-9]|1[0-2]))"


def matches(patterns: list[str], name: str) -> bool:
    """Whether a file's name is one that a table's `files` describes."""
    return any(_matches(pattern, name) for pattern in patterns)


def is_monthly(patterns: list[str], name: str) -> bool:
    """Whether a file's name is one of a pattern with ``{month}``."""
    return any("{month}" in pattern and _matches(pattern, name) for pattern in patterns)


def _matches(pattern: str, name: str) -> bool:
    if "{month}" in pattern:
        before, after = PurePosixPath(pattern).name.split("{month}")
        return re.fullmatch(f"{_glob(before)}{MONTH}{_glob(after)}", PurePosixPath(name).name) is not None
    return fnmatch(PurePosixPath(name).name, PurePosixPath(pattern).name)


def _glob(text: str) -> str:
    return ".*".join(map(re.escape, text.split("*")))


def place_of(patterns: list[str], name: str) -> tuple[str, int]:
    """The order in which files are read: by name, and of one month the most exact format first."""
    return stem_of(name) if is_monthly(patterns, name) else (name, 0)


def month_of(patterns: list[str], name: str) -> str | None:
    """What a file of a month is called apart from its format; None: its table does not have one file a month."""
    return stem_of(name)[0] if is_monthly(patterns, name) else None


def is_json_lines(name: str) -> bool:
    """Whether a file of this name, or of a pattern's, holds a JSON record per line."""
    return name.lower().endswith(JSON_LINES)


def stem_of(name: str) -> tuple[str, int]:
    """A file's name without what says its format, and the format's rank: of the same rows Parquet is the most exact."""
    for rank, ending in enumerate(_FORMATS):
        if name.lower().endswith(ending):
            return name[: -len(ending)], rank
    return re.sub(r"\.[^.]*$", "", name), 9
