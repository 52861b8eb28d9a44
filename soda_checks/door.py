"""The one door to Soda: run the contracts of a source's staging tables or of a gold domain.

Soda 4 is Elastic-licensed; nothing outside this module imports it. Contracts name no engine: the path of a dataset is a
variable, because DuckDB's is ``data source/schema/table`` and Redshift's has the database between.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from settings import Settings

FOLDER = Path(__file__).resolve().parent
_OUTCOMES = {"PASSED": "passed", "FAILED": "failed", "WARN": "warned"}


@dataclass(frozen=True)
class CheckResult:
    """One check's answer.

    Attributes:
        layer: ``staging`` or ``gold``.
        scope: the source or the gold domain.
        severity: ``fail`` (stops the pipeline) or ``warn``.
        outcome: ``passed``, ``failed``, ``warned``, ``not_evaluated`` or ``error``; the last two stop like a failure.
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


def check(layer: str, scope: str, settings: Settings) -> list[CheckResult]:
    """Run every contract in ``soda_checks/<layer>/<scope>/`` and return each check's answer.

    Args:
        layer: ``staging`` (scope: a source) or ``gold`` (scope: a domain).

    Returns:
        The answers; an empty list when there are no contracts. A contract that cannot run is an ``error`` answer.
    """
    contracts = sorted((FOLDER / layer / scope).glob("*.yml"))
    if not contracts:
        return []
    import duckdb
    from soda_core.common.yaml import ContractYamlSource
    from soda_core.contracts.contract_verification import ContractVerificationSession
    from soda_duckdb.common.data_sources.duckdb_data_source import DuckDBDataSourceImpl

    logging.getLogger("soda").setLevel(logging.CRITICAL)  # answers are returned, not logged
    with duckdb.connect(str(settings.warehouse)) as con:
        session = ContractVerificationSession.execute(
            contract_yaml_sources=[ContractYamlSource.from_file_path(str(path)) for path in contracts],
            data_source_impls=[DuckDBDataSourceImpl.from_existing_cursor(con.cursor(), name="warehouse")],
            variables={
                "path": f"stg_{scope}" if layer == "staging" else scope,
                "NOW": settings.clock().isoformat(),
            },
        )
    now = settings.clock().astimezone(UTC).replace(tzinfo=None)
    found: list[CheckResult] = []
    for path, result in zip(contracts, session.contract_verification_results, strict=True):
        found += [_answer(layer, scope, path.stem, r, now) for r in result.check_results]
        if result.has_errors:
            reason = next((line for line in result.get_errors_str().splitlines() if line.strip()), "could not run")
            found.append(CheckResult(layer, scope, path.stem, "", f"{path.name}: {reason}", "contract", "fail", "error", None, now))
    return found


def _answer(layer: str, scope: str, dataset: str, result: Any, now: datetime) -> CheckResult:
    check = result.check
    level = check.threshold.level if check.threshold else "fail"
    number = result.threshold_value
    return CheckResult(
        layer=layer,
        scope=scope,
        dataset=dataset,
        column_name=check.column_name or "",
        check_name=check.name or check.type,
        check_type=check.type,
        severity="warn" if level == "warn" else "fail",
        outcome=_OUTCOMES.get(result.outcome.name, "not_evaluated"),
        measured=float(number) if isinstance(number, (int, float)) else None,
        checked_at=now,
    )
