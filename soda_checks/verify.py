"""One contract verified by Soda, and its answers as `CheckResult` has them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from foundation.stores import explain
from warehouse.connection import WarehouseError

from .contracts import Contract
from .failing import Failing

_OUTCOMES = {"PASSED": "passed", "FAILED": "failed", "WARN": "warned"}


class Errors(logging.Handler):
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


def verify(
    contract: Contract, source: Any, variables: dict[str, str], errors: Errors, failing: Mapping[str, Failing]
) -> Iterator[dict[str, Any]]:
    """The answers of a contract's checks, as keywords of `CheckResult`; of one that cannot run, that it cannot."""
    from soda_core.contracts.contract_verification import ContractVerificationSession

    errors.texts.clear()
    mistakes = list(contract.mistakes())
    if mistakes:
        yield from (_unusable(contract, mistake) for mistake in mistakes)
        return
    try:
        session = ContractVerificationSession.execute(
            contract_yaml_sources=[contract.source()],
            data_source_impls=[source],
            variables=variables,
        )
    except Exception as error:  # Soda's parser raises for some mistakes in the file, and logs others
        if explain(error):
            raise
        yield _unusable(contract, str(error) or type(error).__name__)
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
        yield _unusable(contract, reason)


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


def _unusable(contract: Contract, reason: str) -> dict[str, Any]:
    return {
        "column_name": "",
        "check_name": f"{contract.shown}: {' '.join(contract.locate(reason).split())[:500]}",
        "check_type": "contract",
        "severity": "fail",
        "outcome": "error",
        "measured": None,
    }
