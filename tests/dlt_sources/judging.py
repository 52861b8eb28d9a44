"""Rows through the judge and, beside it, through Pydantic alone: what the tests of contracts compare."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from dlt_sources._steps.contracts.columns import LONGEST_TEXT, Column, columns_of
from dlt_sources._steps.contracts.contract import Contract
from dlt_sources._steps.contracts.text import Exact
from dlt_sources._steps.declared.source_yml import Table
from dlt_sources._steps.judge.judge import Judge
from dlt_sources._steps.stores.judged import Judged

LOAD = "1700000000.5"
Rows = dict[int, dict[str, Any]]


def judge(
    folder: Path, contract: type[Contract], landed: pa.Table, table: Table | None = None
) -> tuple[Rows, Rows, Judged]:
    """(accepted rows, rejected rows, both by row number, and what the judge returned) of landed rows."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    count = len(landed)
    marked = landed.append_column("_row", pa.array(range(count), pa.int64()))
    marked = marked.append_column("_deleted", pa.array([False] * count))
    marked = marked.append_column("_read_at", pa.array([datetime(2020, 1, 1)] * count, pa.timestamp("us")))
    pq.write_table(marked, folder / f"{LOAD}.a.parquet")
    judge = Judge("source", folder / "work", "salt", datetime(2020, 1, 1, tzinfo=UTC), "1GB")
    table = table or Table(contract=contract.__name__, key=["code"])
    result = judge.judge("rows", table, contract, [str(folder / f"{LOAD}.a.parquet")])
    accepted = {row["_row"]: row for path in result.accepted for row in pq.read_table(path).to_pylist()}
    rejected = {row["row_number"]: row for path in result.rejected for row in pq.read_table(path).to_pylist()}
    return accepted, rejected, result


def ask_pydantic(contract: type[Contract], raw: Any) -> tuple[dict[str, Any] | None, str | None]:
    """(the values that Pydantic returns, as plain ones; the first rule that the row breaks): one of them is None."""
    try:
        values = contract.model_validate(raw).model_dump(warnings=False)
    except ValidationError as error:
        return None, error.errors()[0]["type"]
    except Exception:
        return None, "unrepresentable"
    stored = {c.name: c for c in columns_of(contract) if not c.computed}
    plain = {name: _plain(value) for name, value in values.items() if name in stored}
    for name, column in stored.items():  # Pydantic makes an int from a double: what was sent counts
        sent = next((found for path in column.paths if (found := _at(raw, path)) is not None), None)
        if column.kind is int and isinstance(sent, Exact) and plain[name] == sent:
            exact = Fraction(sent.text)
            if exact.denominator > 1:
                return None, "unrepresentable"
            plain[name] = exact.numerator
    if not all(_can_hold(stored[name], value) for name, value in plain.items()):
        return None, "unrepresentable"
    return plain, None


def _at(raw: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        try:
            raw = raw[part]
        except (LookupError, TypeError):
            return None
    return raw


def _plain(value: Any) -> Any:
    """A value as a column can show it again: of an enumeration its value, of a URL its text, of a moment its UTC."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, datetime) and value.tzinfo:
        try:
            return value.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            return OverflowError
    if type(value).__module__.startswith(("pydantic", "uuid", "ipaddress")):
        return str(value)
    return value


def _can_hold(column: Column, value: Any) -> bool:
    """Whether any warehouse could store the value in the declared column: worked out apart from the code under test."""
    if value is None:
        return column.nullable
    if value is OverflowError:
        return False
    if column.kind is int:
        return isinstance(value, int) and -(2**63) <= value <= 2**63 - 1
    if column.kind is str:
        if not isinstance(value, str) or any(0xD800 <= ord(character) <= 0xDFFF for character in value):
            return False
        return len(value) <= (column.max_length or LONGEST_TEXT) and len(value.encode()) <= LONGEST_TEXT
    if column.kind is Decimal:
        assert column.decimal_places is not None and column.max_digits is not None
        scaled = value * 10**column.decimal_places
        return bool(scaled == int(scaled) and abs(scaled) < 10**column.max_digits)
    return isinstance(value, column.kind) or (column.kind is float and isinstance(value, int))


def differences(contract: type[Contract], raws: list[Any], accepted: Rows, rejected: Rows) -> list[str]:
    """Where the judge's verdict or value is not Pydantic's."""
    found = []
    for number, raw in enumerate(raws):
        values, rule = ask_pydantic(contract, raw)
        if (number in accepted) == (number in rejected):
            found.append(f"{raw!r}: accepted {number in accepted} and rejected {number in rejected}")
        elif rule is not None and number in accepted:
            found.append(f"{raw!r}: accepted as {accepted[number]}, and Pydantic says {rule}")
        elif rule is not None and rejected[number]["rule"] != rule:
            found.append(f"{raw!r}: rejected by {rejected[number]['rule']}, and Pydantic says {rule}")
        elif values is not None and number in rejected:
            found.append(f"{raw!r}: rejected by {rejected[number]['rule']}, and Pydantic returns {values}")
        elif values is not None and not all(_same(accepted[number][name], value) for name, value in values.items()):
            found.append(f"{raw!r}: accepted as {accepted[number]}, and Pydantic returns {values}")
    return found


def _same(found: Any, wanted: Any) -> bool:
    return found == wanted or (found != found and wanted != wanted)  # NaN is not equal to itself
