"""The project's own lint rules: a model without these says too little to the next person."""

from __future__ import annotations

from sqlmesh.core.linter.rule import Rule, RuleViolation
from sqlmesh.core.model import Model


class NoMissingOwner(Rule):
    """A model names its owner."""

    def check_model(self, model: Model) -> RuleViolation | None:
        """Refuse a model without ``owner``."""
        return None if model.owner else self.violation()


class NoMissingDescriptions(Rule):
    """A model describes itself and every column."""

    def check_model(self, model: Model) -> RuleViolation | None:
        """Refuse a model without ``description`` or with columns missing from ``column_descriptions``."""
        if not model.description:
            return self.violation(f"{model.name} has no description")
        missing = [name for name in model.columns_to_types or {} if name not in model.column_descriptions]
        return self.violation(f"{model.name} does not describe {', '.join(missing)}") if missing else None


class NoMissingGrain(Rule):
    """A model declares what one row is."""

    def check_model(self, model: Model) -> RuleViolation | None:
        """Refuse a model without ``grain``."""
        return None if model.grains else self.violation()
