"""Which rows fail a check: how many of how many, the limit, SQL that shows them, and the keys of the first of them.

Soda counts; the conditions it counts by are asked for here and put into a query that a person can run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from warehouse.quote import identifier

MOST = 20
"""Failing rows whose keys are kept, per check."""
HIDDEN = "***"
_EVERY_ROW = "_refine_id >= '0'"
"""The filter of a contract of staging whose rows were all judged by it."""


@dataclass(frozen=True)
class Keys:
    """What names a row of a table.

    Attributes:
        private: columns whose values are not shown.
    """

    columns: Sequence[str] = ()
    private: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Failing:
    """What a check that did not pass found.

    Attributes:
        failing, tested: rows; None where the check is not about rows.
        allowed: the limit, in words.
        sql: a query for the failing rows; empty where there is none.
        rows: keys of the first `MOST` of them.
    """

    failing: int | None = None
    tested: int | None = None
    allowed: str = ""
    sql: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)


def describe(failing: int | None, tested: int | None, allowed: str) -> str:
    """In words, such as ``67 of 1,172 rows (5.7 %), limit 5 %``."""
    if failing is None:
        return allowed
    share = 100 * failing / tested if tested else 0
    shown = "<0.1" if 0 < share < 0.1 else f"{share:.1f}"
    measured = f"{failing:,} of {tested:,} rows ({shown} %)" if tested else f"{failing:,} rows"
    return f"{measured}, {allowed}" if allowed else measured


class _Collector:
    """Hears of each verified contract, while Soda still knows the conditions of its checks."""

    def __init__(self, keys: Mapping[str, Keys]) -> None:
        self.keys = keys
        self.found: dict[str, Failing] = {}

    def hear(self, contract: Any, results: Sequence[Any]) -> None:
        checks = {check.identity: check for check in contract.all_check_impls}
        keys = self.keys.get(contract.dataset_name) or Keys(_unique_columns(contract))
        for result in results:
            if result.outcome.name in ("FAILED", "WARN"):
                self.found[result.check.identity] = _failing(contract, checks[result.check.identity], result, keys)


_listening: list[_Collector] = []


@contextmanager
def explain(keys: Mapping[str, Keys]) -> Iterator[dict[str, Failing]]:
    """Per identity of a check that is verified in the block and does not pass: what it found."""
    _register()
    collector = _Collector(keys)
    _listening.append(collector)
    try:
        yield collector.found
    finally:
        _listening.remove(collector)


def _register() -> None:
    """Have Soda call the collectors after each contract."""
    from soda_core.contracts.impl.contract_verification_impl import (
        ContractVerificationHandler,
        ContractVerificationHandlerRegistry,
    )

    class Handler(ContractVerificationHandler):  # type: ignore[misc]
        def handle(
            self, contract_impl: Any, data_source_impl: Any, contract_verification_result: Any, *_: Any, **__: Any
        ) -> None:
            for collector in _listening:
                collector.hear(contract_impl, contract_verification_result.check_results)

        def provides_post_processing_stages(self) -> list[Any]:
            return []

    known = ContractVerificationHandlerRegistry.contract_verification_handlers
    if not any(type(handler).__module__ == __name__ for handler in known):
        ContractVerificationHandlerRegistry.register(Handler())


def _failing(contract: Any, check: Any, result: Any, keys: Keys) -> Failing:
    values = result.diagnostic_metric_values or {}
    failing = values.get(f"{check.type}_count", values.get("failed_rows_count"))
    tested = values.get("check_rows_tested")
    if tested is None and check.type != "failed_rows":
        tested = values.get("dataset_rows_tested")
    rows = check.type in ("missing", "invalid", "duplicate", "failed_rows") and failing is not None
    sql = _sql(contract, check, keys) if rows else ""
    return Failing(
        int(failing) if rows and failing is not None else None,
        int(tested) if rows and tested is not None else None,
        _allowed(check, result, rows),
        sql,
        _first(contract.data_source_impl, sql, keys) if sql else [],
    )


def _allowed(check: Any, result: Any, rows: bool) -> str:
    """The limit in words: of rows that may fail, or of what was measured."""
    limit = check.warn_threshold if result.outcome.name == "WARN" and check.warn_threshold else check.threshold
    if not rows:
        measured = "" if result.threshold_value is None else f"{result.threshold_value:,g}, "
        return f"{measured}expected {limit.get_assertion_summary(check.type)}" if limit else measured.rstrip(", ")
    percent = getattr(check.check_yaml, "metric", None) == "percent"
    unit = " %" if percent else ""
    for name, words in (("must_be", ""), ("must_be_less_than_or_equal", ""), ("must_be_less_than", "below ")):
        bound = getattr(limit, name, None)
        if bound is not None and getattr(limit, "must_be_greater_than", None) is None:
            return f"limit {words}{bound:,g}{unit}"
    return f"expected {limit.get_assertion_summary('percent' if percent else 'rows')}" if limit else ""


def _unique_columns(contract: Any) -> list[str]:
    """The columns that are declared to name one row: those of a check for duplicates."""
    for check in contract.all_check_impls:
        if check.type == "duplicate":
            columns = getattr(check.check_yaml, "columns", None)
            return list(columns or [check.column_impl.column_yaml.name])
    return []


def _sql(contract: Any, check: Any, keys: Keys) -> str:
    """A query for the failing rows, in words that both warehouses know."""
    own = getattr(check.check_yaml, "query", None) or getattr(check.check_yaml, "keys_query", None)
    if own:
        return str(own).strip().rstrip(";")
    table = f"{identifier(contract.dataset_prefix[-1])}.{identifier(contract.dataset_name)}"
    column = [check.column_impl.column_yaml.name] if check.column_impl else []
    every = contract.filter in (None, "", _EVERY_ROW)
    filters = [f"({text})" for text in (None if every else contract.filter, check.check_yaml.filter) if text]
    if check.type == "duplicate":
        names = list(getattr(check.check_yaml, "columns", None) or column)
        listed = ", ".join(map(identifier, names))
        filters += [f"{identifier(name)} IS NOT NULL" for name in column]
        where = f" WHERE {' AND '.join(filters)}" if filters else ""
        return f"SELECT {listed}, COUNT(*) AS copies FROM {table}{where} GROUP BY {listed} HAVING COUNT(*) > 1"
    metric = {"missing": "missing_count_metric_impl", "invalid": "invalid_count_metric_impl"}.get(
        check.type, "failed_rows_count_metric_impl"
    )
    condition = getattr(check, metric).sql_condition_expression()
    if condition is None or getattr(getattr(check, "missing_and_validity", None), "valid_reference_data", None):
        return ""
    filters = [] if every else [f"({contract.filter})"]
    filters.append(f"({contract.data_source_impl.sql_dialect.build_expression_sql(condition)})")
    wanted = list(dict.fromkeys([*keys.columns, *column]))
    return f"SELECT {', '.join(map(identifier, wanted)) or '*'} FROM {table} WHERE {' AND '.join(filters)}"


def _first(source: Any, sql: str, keys: Keys) -> list[dict[str, Any]]:
    """The first rows of a query, without what is personal; none where it cannot be run in a query around it."""
    with contextlib.suppress(Exception):
        answer = source.execute_query(f"SELECT * FROM ({sql}) AS failing ORDER BY 1 LIMIT {MOST}")
        names = [column.column_name if hasattr(column, "column_name") else column[0] for column in answer.columns]
        return [
            {name: HIDDEN if name in keys.private else value for name, value in zip(names, row, strict=True)}
            for row in answer.rows
        ]
    return []
