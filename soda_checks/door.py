"""The one door to Soda: run the contracts of a source's staging tables or of a gold domain.

Soda 4 is Elastic-licensed; nothing outside this folder imports it. Contracts name no engine: the path of a dataset is a
variable, because DuckDB's is ``data source/schema/table`` and Redshift's has the database between.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from foundation.stores import explain
from settings import Settings
from warehouse.connection import WarehouseError, connect
from warehouse.quote import identifier, literal

from . import data_sources
from .failing import Failing, Keys, describe, explained

FOLDER = Path(__file__).resolve().parent
RowKey = tuple[Sequence[str], frozenset[str]]
_OUTCOMES = {"PASSED": "passed", "FAILED": "failed", "WARN": "warned"}


@dataclass(frozen=True)
class CheckResult:
    """One check's answer.

    Attributes:
        layer: ``staging`` or ``gold``.
        scope: the source or the gold domain.
        severity: ``fail`` (stops the pipeline) or ``warn``.
        outcome: ``passed``, ``failed``, ``warned``, ``not_built``, ``not_evaluated`` or ``error``; the last two stop like a
            failure.
        measured: the number that was compared, where there is one.
        failing, tested, allowed, failing_sql, failed_rows: of a check that did not pass: see `Failing`.
    """

    layer: str
    scope: str
    dataset: str
    column_name: str
    check_name: str
    check_type: str
    severity: str
    outcome: str
    measured: float | None
    checked_at: datetime
    failing: int | None = None
    tested: int | None = None
    allowed: str = ""
    failing_sql: str = ""
    failed_rows: tuple[dict[str, Any], ...] = ()

    @property
    def stops(self) -> bool:
        """Whether nothing after this check may run."""
        return self.outcome in ("failed", "not_evaluated", "error")

    @property
    def found(self) -> str:
        """What did not pass, in words: how many rows of how many, and the limit."""
        words = describe(self.failing, self.tested, self.allowed)
        return words or (self.outcome if self.measured is None else f"{self.outcome} (measured {self.measured:g})")

    @property
    def recorded(self) -> dict[str, Any]:
        """What is kept of it; the failing rows are kept apart."""
        return {name: value for name, value in vars(self).items() if name != "failed_rows"}

    def __str__(self) -> str:
        where = f"{self.dataset}.{self.column_name}" if self.column_name else self.dataset
        shown = f"\n    the rows: {' '.join(self.failing_sql.split())}" if self.failing_sql else ""
        return f"{self.layer} {self.scope}: {where}: {self.check_name}: {self.found}{shown}"


def fingerprint(scope: str) -> str:
    """What changes whenever a check of a gold domain does."""
    digest = hashlib.sha256()
    for path in sorted((FOLDER / "gold" / scope).glob("*.yml")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def check(
    layer: str,
    scope: str,
    settings: Settings,
    keys: Mapping[str, RowKey] | None = None,
    unbuilt: Collection[str] = (),
    passed: str = "",
) -> list[CheckResult]:
    """Run every contract in ``soda_checks/<layer>/<scope>/`` and return each check's answer.

    Args:
        layer: ``staging`` (scope: a source) or ``gold`` (scope: a domain).
        keys: per table the columns that name a row, and those that are personal; of a table that is not among them the
            columns that its contract says are unique. Of a source: every table that is declared.
        unbuilt: models (``domain.name``) that are not built, as they wait for a plan: their contracts do not run.
        passed: of a source the refine whose rows have passed: of a key only what came later can be there twice.

    Returns:
        The answers; an empty list when there are no contracts. A contract that cannot run is an ``error`` answer.
    """
    contracts = sorted((FOLDER / layer / scope).glob("*.yml"))
    if not contracts:
        return []
    import soda_core.contracts.contract_verification  # noqa: F401  (before the plug-ins, which import it in a circle)

    logger = logging.getLogger("soda")  # answers are returned, not printed; errors must be logged to be returned
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    errors = _Errors()
    logger.handlers = [errors]  # without one, Python prints errors to stderr, with their tracebacks
    schema = f"stg_{scope}" if layer == "staging" else scope
    variables = {"path": f"{data_sources.depth(settings)}{schema}", "NOW": settings.clock().isoformat()}
    now = settings.moment()
    since = _judged_since(schema, settings) if layer == "staging" else {}
    missing = {name.split(".")[1] for name in unbuilt if layer == "gold" and name.split(".")[0] == scope}
    if layer == "staging" and keys is not None:  # a table that was taken out of the declaration, and out of staging
        missing = {path.stem for path in contracts if path.stem not in keys}
    found, contracts = _unready(layer, scope, contracts, since, missing, settings)

    def own(table: str) -> dict[str, str]:
        key = keys[table][0] if keys and table in keys else ()
        fresh = _fresh(schema, table, key, "" if settings.aws else passed)
        return {"since": since.get(table, "0"), "fresh": fresh}

    with (
        data_sources.opened(settings) as source,
        explained({name: Keys(*key) for name, key in (keys or {}).items()}) as failing,
    ):
        return found + [
            CheckResult(layer, scope, path.stem, checked_at=now, **answer)
            for path in contracts
            for answer in _verify(path, source, variables | own(path.stem), errors, failing)
        ]


def _fresh(schema: str, table: str, key: Sequence[str], passed: str) -> str:
    """SQL: whether a row's key is one that came after a refine; of all rows where that is not known.

    To look for keys that are there twice costs more than all other checks of a table, and grows with it.
    """
    if len(key) != 1 or not passed.strip("0"):
        return "1 = 1"
    name = identifier(key[0])
    return f"({name} IN (SELECT {name} FROM {identifier(schema)}.{identifier(table)} WHERE _refine_id > {literal(passed)}))"


def _unready(
    layer: str, scope: str, contracts: list[Path], since: dict[str, str], unbuilt: Collection[str], settings: Settings
) -> tuple[list[CheckResult], list[Path]]:
    """(the answers for tables that cannot be checked: not built, without rows or a column; the contracts of the others).

    Soda would say of each check of a table that it could not be evaluated.
    """
    now, schema = settings.moment(), f"stg_{scope}" if layer == "staging" else scope
    columns, empty = _look_at(schema, settings, staging=layer == "staging")
    if layer == "staging":  # a table that a source was given since its last run, which makes it
        empty |= {path.stem for path in contracts} - columns.keys() - set(unbuilt)
    unbuilt = set(unbuilt) - (_tables(schema, settings) if unbuilt else set())
    empty |= _without_rows(schema, since, settings)
    found, rest = [], []
    for path in contracts:
        there = columns.get(path.stem, [])
        known = {name.lower() for name in there}
        lacking = [name for name in _columns_of(path) if name.lower() not in known] if there else []
        if path.stem in empty:
            name = "no rows have come yet, or none since its contract changed: nothing to check"
            found.append(CheckResult(layer, scope, path.stem, "", name, "row_count", "warn", "passed", 0, now))
        elif path.stem in unbuilt:
            found.append(not_built(layer, scope, settings, path.stem))
        elif lacking:
            name = f"the table has no such column; it has {', '.join(there)}"
            found += [
                CheckResult(layer, scope, path.stem, n, name, "schema", "fail", "error", None, now) for n in lacking
            ]
        else:
            rest.append(path)
    return found, rest


class _Errors(logging.Handler):
    """What Soda logs of a check that it could not evaluate: its results do not say why."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []
        self.store_fault: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what was said, and of an exception its first line."""
        error = record.exc_info[1] if record.exc_info else None
        self.store_fault = self.store_fault or (error if error and explain(error) else None)
        self.texts += [line for line in (str(error or "") or record.getMessage()).splitlines() if line.strip()][:1]


def not_built(layer: str, scope: str, settings: Settings, dataset: str = "") -> CheckResult:
    """The answer where there is nothing to check yet: of a whole source or domain, or of one of its tables."""
    text = "it is not built yet: nothing to check"
    return CheckResult(layer, scope, dataset, "", text, "built", "warn", "not_built", None, settings.moment())


def _tables(schema: str, settings: Settings) -> set[str]:
    """The tables and views that are there; Redshift knows these also of gold's views, and only their columns not."""
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?"
    with connect(settings) as con:
        return {name for (name,) in con.execute(query, [schema]).fetchall()}


def _columns_of(path: Path) -> list[str]:
    """The columns that a contract names; none where it cannot be read, which Soda will say."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [str(column["name"]) for column in content.get("columns") or []]
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, LookupError, TypeError):
        return []


def _look_at(schema: str, settings: Settings, *, staging: bool) -> tuple[dict[str, list[str]], set[str]]:
    """(the columns of each table; of staging the tables that no row was ever landed for: they are declared before that)."""
    columns: dict[str, list[str]] = {}
    if settings.aws and not staging:  # Redshift's catalog does not know the columns of the views that gold is
        return columns, set()
    with connect(settings) as con:
        query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ? ORDER BY table_name, ordinal_position"
        for table, column in con.execute(query, [schema]).fetchall():
            columns.setdefault(table, []).append(column)
        if settings.aws:  # of a view over silver the catalog does not know the columns
            query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?"
            for (table,) in con.execute(query, [schema]).fetchall():
                if table not in columns:
                    described = con.execute(
                        f"SELECT * FROM {identifier(schema)}.{identifier(table)} LIMIT 0"
                    ).description
                    columns[table] = [column[0] for column in described]
        if not staging or "_loads" not in columns:
            return columns, set()
        landed = con.execute(f"SELECT DISTINCT table_name FROM {identifier(schema)}._loads WHERE landed > 0").fetchall()
    return columns, set(columns) - {name for (name,) in landed}


def _judged_since(schema: str, settings: Settings) -> dict[str, str]:
    """Per table whose contract changed: the refine from which on its rows were judged by today's. The checks that follow from
    a contract hold for these; the rows before wait for a rebuild.
    """
    with connect(settings) as con:
        query = "SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = '_state'"
        if not con.execute(query, [schema]).fetchall():
            return {}
        query = f"SELECT name, value FROM {identifier(schema)}._state WHERE left(name, 6) = 'since:' AND value <> ''"
        return {name.removeprefix("since:"): value for name, value in con.execute(query).fetchall()}


def _without_rows(schema: str, since: dict[str, str], settings: Settings) -> set[str]:
    """Tables without a row since their contract changed."""
    if not since:
        return set()
    with connect(settings) as con:
        return {
            table
            for table, refine_id in since.items()
            if not con.execute(
                f"SELECT 1 FROM {identifier(schema)}.{identifier(table)} WHERE _refine_id >= ? LIMIT 1", [refine_id]
            ).fetchall()
        }


def _verify(
    path: Path, source: Any, variables: dict[str, str], errors: _Errors, failing: Mapping[str, Failing]
) -> Iterator[dict[str, Any]]:
    from soda_core.common.yaml import ContractYamlSource
    from soda_core.contracts.contract_verification import ContractVerificationSession

    errors.texts.clear()
    try:
        session = ContractVerificationSession.execute(
            contract_yaml_sources=[ContractYamlSource.from_file_path(str(path))],
            data_source_impls=[source],
            variables=variables,
        )
    except Exception as error:  # Soda's parser raises for some mistakes in the file, and logs others
        if explain(error):
            raise
        yield _unusable(path, str(error) or type(error).__name__)
        return
    if errors.store_fault:
        raise WarehouseError("the checks cannot run: the warehouse cannot be read") from errors.store_fault
    results = session.contract_verification_results
    why = f": {errors.texts[0]}" if errors.texts else ""
    answers = [_answer(found, failing) for result in results for found in result.check_results]
    unknown = [answer for answer in answers if answer["outcome"] == "not_evaluated"]
    yield from (answer for answer in answers if answer["outcome"] != "not_evaluated")
    if unknown and why:  # one reason, however many checks it keeps from being evaluated
        name = unknown[0]["check_name"] if len(unknown) == 1 else f"{len(unknown)} checks could not be evaluated"
        column = unknown[0]["column_name"] if len(unknown) == 1 else ""
        yield unknown[0] | {"column_name": column, "check_name": f"{name}{why}"[:500]}
    else:
        yield from unknown
    if not results or any(result.has_errors for result in results):
        reason = next((line for line in session.get_errors_str().splitlines() if line.strip()), "it could not run")
        yield _unusable(path, reason)


def _unusable(path: Path, reason: str) -> dict[str, Any]:
    return {
        "column_name": "",
        "check_name": f"{path.relative_to(FOLDER)}: {' '.join(reason.split())[:500]}",
        "check_type": "contract",
        "severity": "fail",
        "outcome": "error",
        "measured": None,
    }


def _answer(result: Any, failing: Mapping[str, Failing]) -> dict[str, Any]:
    check = result.check
    number = result.threshold_value
    why = failing.get(check.identity, Failing())
    return {
        "column_name": check.column_name or "",
        "check_name": check.name or check.type,
        "check_type": check.type,
        "severity": "warn" if check.threshold and check.threshold.level == "warn" else "fail",
        "outcome": _OUTCOMES.get(result.outcome.name, "not_evaluated"),
        "measured": float(number) if isinstance(number, (int, float)) else None,
        "failing": why.failing,
        "tested": why.tested,
        "allowed": why.allowed,
        "failing_sql": why.sql,
        "failed_rows": tuple(why.rows),
    }
