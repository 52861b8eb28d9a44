"""The one door to Soda: run the contracts of a source's staging tables or of a gold domain.

Soda 4 is Elastic-licensed; nothing outside this folder imports it. Contracts (contracts.py) name no
engine: the path of a dataset is a variable, because DuckDB's is ``data source/schema/table`` and Redshift's has the database between.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from settings import Settings
from warehouse.quote import identifier, literal

from . import data_sources
from .contracts import Contract, contracts_in
from .failing import Keys, explain
from .looked import Looked as Looked
from .looked import look_at as look_at
from .ready import not_built as not_built
from .ready import schema_of as schema_of
from .ready import unready
from .result import CheckResult as CheckResult
from .verify import Errors, verify

FOLDER = Path(__file__).resolve().parent
RowKey = tuple[Sequence[str], frozenset[str]]


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
    bases: Mapping[str, str] | None = None,
    looked: Looked | None = None,
) -> list[CheckResult]:
    """Run every contract of a scope, whose files are in ``soda_checks/<layer>/<scope>/``, and return each check's answer.

    Args:
        layer: ``staging`` (scope: a source) or ``gold`` (scope: a domain).
        keys: per table the columns that name a row, and those that are personal; of a table that is not among them the
            columns that its contract says are unique. Of a source: every table that is declared.
        unbuilt: models (``domain.name``) that are not built, as they wait for a plan: their contracts do not run.
        passed: of a source the refine whose rows have passed: of a key only what came later can be there twice.
        bases: of a source: per table the part of its contract that follows from the contract of its rows.
        looked: of a source: what its staging holds, where somebody has looked already.

    Returns:
        The answers; an empty list when there are no contracts. A contract that cannot run is an ``error`` answer.
    """
    contracts = contracts_in(FOLDER / layer / scope, bases or {})
    if not contracts:
        return []
    import soda_core.contracts.contract_verification  # noqa: F401  (before the plug-ins, which import it in a circle)

    errors = _collect_errors()
    schema, now = schema_of(layer, scope), settings.moment()
    variables = {"path": f"{data_sources.depth(settings)}{schema}", "NOW": settings.clock().isoformat()}
    looked = looked or (look_at([scope], settings)[scope] if layer == "staging" else Looked())
    missing = _find_missing(layer, scope, contracts, keys, unbuilt)
    found, contracts = unready(layer, scope, contracts, looked, missing, settings)

    def own(table: str) -> dict[str, str]:
        key = keys[table][0] if keys and table in keys else ()
        fresh = _fresh(schema, table, key, "" if settings.aws else passed)
        return {"since": looked.since.get(table, "0"), "fresh": fresh}

    with (
        data_sources.opened(settings) as source,
        explain({name: Keys(*key) for name, key in (keys or {}).items()}) as failing,
    ):
        return found + [
            CheckResult(layer, scope, contract.table, checked_at=now, **answer)
            for contract in contracts
            for answer in verify(contract, source, variables | own(contract.table), errors, failing)
        ]


def _find_missing(
    layer: str, scope: str, contracts: Collection[Contract], keys: Mapping[str, RowKey] | None, unbuilt: Collection[str]
) -> set[str]:
    """The tables with contracts of which it is known that they do not exist."""
    if layer == "gold":
        return {name.split(".")[1] for name in unbuilt if name.split(".")[0] == scope}
    if keys is None:
        return set()
    return {contract.table for contract in contracts} - set(keys)  # taken out of the declaration, and out of staging


def _collect_errors() -> Errors:
    """What Soda logs from here on: its answers are returned, and an error is returned only if it is logged."""
    logger = logging.getLogger("soda")
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    errors = Errors()
    logger.handlers = [errors]  # without one, Python prints errors to stderr, with their tracebacks
    return errors


def _fresh(schema: str, table: str, key: Sequence[str], passed: str) -> str:
    """SQL: whether a row's key is one that came after a refine; of all rows where that is not known.

    To look for keys that are there twice costs more than all other checks of a table, and grows with it.
    """
    if len(key) != 1 or not passed.strip("0"):
        return "1 = 1"
    name = identifier(key[0])
    return f"({name} IN (SELECT {name} FROM {identifier(schema)}.{identifier(table)} WHERE _refine_id > {literal(passed)}))"
