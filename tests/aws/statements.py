"""What Redshift was asked, as text that two runs have in common: for people to review, and for a test to compare."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redshift_stand_in.plan import Statement

FOLDER = Path(__file__).parent / "statements"
_CHANGING = [  # (what changes from run to run, what stands for it)
    (r"/\*.*?\*/\s*", ""),  # the plan's id
    (r"\s+", " "),
    (r"(?<=VALUES)\s*\(.*$", " (...)"),  # rows
    (r"UNION ALL SELECT CAST\(.*(?=\) AS)", "..."),  # rows of a seed
    (r"'(?:[^']|'')*'", lambda found: _literal(found[0])),
    (r"__temp_\w+", "__temp_<name>"),
    (r"__\d{5,}(?=[\"_ .,)]|$)", "__<version>"),
    (r"\b\d{7,}\b", "<number>"),
    (r"\$\d+", "?"),
    (r"(?<=IN \()'[^()]*'(?=\))", lambda found: ", ".join(sorted(part.strip() for part in found[0].split(",")))),
]
_STAYING = re.compile(r"'[^'0-9]{0,60}'|'[A-Za-z_ %-]{0,20}[0-9]{0,2}'|'stg_\w+'")
_CLIENTS = {"redshift-connector": "redshift_connector", "psycopg2": "dlt_and_soda"}


def by_client(statements: Iterable[Statement]) -> dict[str, str]:
    """Per client driver, every kind of statement it sent: one per line, each once, sorted."""
    found: dict[str, set[str]] = {}
    for statement in statements:
        found.setdefault(_CLIENTS.get(statement.client, statement.client), set()).add(
            f"{statement.database}: {plain(statement.sql)}"
        )
    return {client: "\n".join(sorted(said)) + "\n" for client, said in sorted(found.items())}


def plain(sql: str) -> str:
    """A statement without what changes from run to run: ids, times, rows."""
    for pattern, instead in _CHANGING:
        sql = re.sub(pattern, instead, sql, flags=re.S)  # type: ignore[call-overload]
    return sql.strip()


def _literal(text: str) -> str:
    if text.startswith("'s3://"):
        return "'s3://<object>'"
    return text if _STAYING.fullmatch(text) or len(text) > 200 or "arn:" in text else "'<text>'"
