"""What SQLMesh would print, kept as facts: which models were built, and the real reason why one was not."""

from __future__ import annotations

from typing import Any

from sqlmesh.core.console import NoopConsole
from sqlmesh.utils.errors import AuditError, NodeAuditsErrors

from foundation.stores import explain


class Listener(NoopConsole):
    """A SQLMesh console that prints nothing.

    Attributes:
        ran: models that were built and passed their audits.
        not_built: models that failed, and those not tried because one before them failed.
        errors: other messages SQLMesh logs as errors.
        store_fault: why the warehouse or the state could not be read or written, where that is why a model failed.
        removed: tables and views of versions that have expired.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ran: set[str] = set()
        self.not_built: set[str] = set()
        self.errors: list[str] = []
        self.store_fault: BaseException | None = None
        self.removed: list[str] = []
        self._failures: dict[str, str] = {}

    def update_snapshot_evaluation_progress(self, snapshot: Any, *args: Any, **kwargs: Any) -> None:
        """A model was built."""
        if snapshot.is_model and not snapshot.is_symbolic:
            self.ran.add(snapshot.node.name)

    def update_cleanup_progress(self, object_name: str) -> None:
        """A table or view was removed."""
        self.removed.append(object_name)

    def log_failed_models(self, errors: list[Any]) -> None:
        """Models failed: keep the driver's or the audit's own words."""
        for error in errors:
            name = _model_name(error.node)
            self.not_built.add(name)
            self.store_fault = self.store_fault or (error if explain(error) else None)
            self._failures[name] = "; ".join(_reasons(error.__cause__ or error))

    def log_skipped_models(self, snapshot_names: set[str]) -> None:
        """Models were not tried."""
        self.not_built |= {_plain(name) for name in snapshot_names}

    def log_error(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Any other error."""
        self.errors.append(" ".join(message.split()))

    def show_linter_violations(self, violations: list[Any], model: Any, is_error: bool = False) -> None:
        """Rules of the linter that a model breaks."""
        if is_error:
            self.errors += [broken_rule(model.name, violation) for violation in violations]

    def failures(self) -> list[str]:
        """One text per failed model: its name and why."""
        self.ran -= self.not_built
        return [f"{name}: {reason}" for name, reason in sorted(self._failures.items())]


def broken_rule(model: str, violation: Any) -> str:
    """A model, the line if it is known, and the rule of the linter that it breaks."""
    line = f", line {violation.violation_range.start.line + 1}" if violation.violation_range else ""
    return f"{model}{line}: {violation.rule.name}: {' '.join(violation.violation_msg.split())}"


def _reasons(error: BaseException) -> list[str]:
    if isinstance(error, NodeAuditsErrors):
        return [reason for inner in error.errors for reason in _reasons(inner)]
    if isinstance(error, AuditError):
        return [f"audit {error.audit_name} found {error.count} bad row(s)"]
    said = error.args[0] if error.args else None
    if isinstance(said, dict) and "M" in said:  # redshift-connector hands over the server's fields
        return [" ".join(str(said["M"]).split())]
    lines = [line for line in str(error).splitlines() if line.strip()]
    return [lines[0] if lines else type(error).__name__]


def _model_name(node: Any) -> str:
    return _plain(getattr(node, "snapshot_name", None) or (node[0] if isinstance(node, tuple) else str(node)))


def _plain(fqn: str) -> str:
    return ".".join(part.strip('"') for part in fqn.split(".")[-2:])
