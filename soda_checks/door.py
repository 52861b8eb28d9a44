"""The one door to Soda: run the contracts of a source's staging tables or of a gold domain.

Soda 4 is Elastic-licensed; nothing outside this folder imports it. Contracts name no engine: the path of a dataset is a
variable, because DuckDB's is ``data source/schema/table`` and Redshift's has the database between.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from settings import Settings
from warehouse.connection import connect
from warehouse.quote import identifier

from . import data_sources

FOLDER = Path(__file__).resolve().parent
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

    @property
    def stops(self) -> bool:
        """Whether nothing after this check may run."""
        return self.outcome in ("failed", "not_evaluated", "error")

    def __str__(self) -> str:
        where = f"{self.dataset}.{self.column_name}" if self.column_name else self.dataset
        measured = "" if self.measured is None else f" (measured {self.measured:g})"
        return f"{self.layer} {self.scope}: {where}: {self.check_name}: {self.outcome}{measured}"


def fingerprint(scope: str) -> str:
    """What changes whenever a check of a gold domain does."""
    digest = hashlib.sha256()
    for path in sorted((FOLDER / "gold" / scope).glob("*.yml")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def check(layer: str, scope: str, settings: Settings, unbuilt: Collection[str] = ()) -> list[CheckResult]:
    """Run every contract in ``soda_checks/<layer>/<scope>/`` and return each check's answer.

    Args:
        layer: ``staging`` (scope: a source) or ``gold`` (scope: a domain).
        unbuilt: models (``domain.name``) that are not built, as they wait for a plan: their contracts do not run.

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
    empty = _never_filled(schema, settings) if layer == "staging" else set()
    since = _judged_since(schema, settings) if layer == "staging" else {}
    empty |= _without_rows(schema, since, settings)
    waiting = [path for path in contracts if path.stem in empty]
    name = "no rows have come yet, or none since its contract changed: nothing to check"
    found = [CheckResult(layer, scope, p.stem, "", name, "row_count", "warn", "passed", 0, now) for p in waiting]
    if layer == "gold" and (missing := {name.split(".")[1] for name in unbuilt if name.split(".")[0] == scope}):
        missing -= _tables(scope, settings)
        waiting = [path for path in contracts if path.stem in missing]
        found = [not_built("gold", scope, settings, path.stem) for path in waiting]
    with data_sources.opened(settings) as source:
        return found + [
            CheckResult(layer, scope, path.stem, checked_at=now, **answer)
            for path in contracts
            if path not in waiting
            for answer in _verify(path, source, variables | {"since": since.get(path.stem, "0")}, errors)
        ]


class _Errors(logging.Handler):
    """What Soda logs of a check that it could not evaluate: its results do not say why."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what was said, and of an exception its first line."""
        error = record.exc_info[1] if record.exc_info else None
        self.texts += [line for line in (str(error or "") or record.getMessage()).splitlines() if line.strip()][:1]


def not_built(layer: str, scope: str, settings: Settings, dataset: str = "") -> CheckResult:
    """The answer where there is nothing to check yet: of a whole source or domain, or of one of its tables."""
    text = "it is not built yet: nothing to check"
    return CheckResult(layer, scope, dataset, "", text, "built", "warn", "not_built", None, settings.moment())


def _tables(schema: str, settings: Settings) -> set[str]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?"
    with connect(settings) as con:
        return {name for (name,) in con.execute(query, [schema]).fetchall()}


def _never_filled(schema: str, settings: Settings) -> set[str]:
    """The tables of staging that no row was ever landed for: a table is declared before its first rows come."""
    with connect(settings) as con:
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?"
        tables = {name for (name,) in con.execute(query, [schema]).fetchall()}
        if "_loads" not in tables:
            return set()
        landed = con.execute(f"SELECT DISTINCT table_name FROM {identifier(schema)}._loads WHERE landed > 0").fetchall()
    return tables - {name for (name,) in landed}


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
    found = set()
    for table, refine_id in since.items():
        with connect(settings) as con:
            query = f"SELECT 1 FROM {identifier(schema)}.{identifier(table)} WHERE _refine_id >= ? LIMIT 1"
            if not con.execute(query, [refine_id]).fetchall():
                found.add(table)
    return found


def _verify(path: Path, source: Any, variables: dict[str, str], errors: _Errors) -> Iterator[dict[str, Any]]:
    from soda_core.common.yaml import ContractYamlSource
    from soda_core.contracts.contract_verification import ContractVerificationSession

    errors.texts.clear()
    session = ContractVerificationSession.execute(
        contract_yaml_sources=[ContractYamlSource.from_file_path(str(path))],
        data_source_impls=[source],
        variables=variables,
    )
    results = session.contract_verification_results
    why = f": {errors.texts[0]}" if errors.texts else ""
    for answer in (_answer(found) for result in results for found in result.check_results):
        unknown = answer["outcome"] == "not_evaluated"
        yield answer | ({"check_name": f"{answer['check_name']}{why}"[:200]} if unknown else {})
    if not results or any(result.has_errors for result in results):
        reason = next((line for line in session.get_errors_str().splitlines() if line.strip()), "it could not run")
        name = f"{path.relative_to(FOLDER)}: {reason}"
        yield {
            "column_name": "",
            "check_name": name,
            "check_type": "contract",
            "severity": "fail",
            "outcome": "error",
            "measured": None,
        }


def _answer(result: Any) -> dict[str, Any]:
    check = result.check
    number = result.threshold_value
    return {
        "column_name": check.column_name or "",
        "check_name": check.name or check.type,
        "check_type": check.type,
        "severity": "warn" if check.threshold and check.threshold.level == "warn" else "fail",
        "outcome": _OUTCOMES.get(result.outcome.name, "not_evaluated"),
        "measured": float(number) if isinstance(number, (int, float)) else None,
    }
