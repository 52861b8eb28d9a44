"""What the models' files say of themselves: columns, grain, what they read."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .copied import declared_models
from .loading import ModelError

if TYPE_CHECKING:
    from settings import Settings


@dataclass(frozen=True)
class Described:
    """A model as its file declares it.

    Attributes:
        columns: their types in DuckDB's words. grain: columns that name one row; empty where it has several grains or none.
        reads: ``schema.name`` of the tables and models that its SELECT names.
    """

    name: str
    description: str
    columns: Mapping[str, str]
    grain: tuple[str, ...]
    reads: frozenset[str]

    @property
    def domain(self) -> str:
        """Its schema."""
        return self.name.split(".")[0]


def described_models(settings: Settings) -> dict[str, Described]:
    """Every model of gold by its name; no warehouse is needed.

    Raises:
        ModelError: the models do not load.
    """
    from sqlglot import exp

    with declared_models(settings) as models:
        return {
            model.name: Described(
                model.name,
                model.description or "",
                {name: kind.sql("duckdb") for name, kind in (model.columns_to_types or {}).items()},
                tuple(c.name for c in model.grains[0].find_all(exp.Column)) if len(model.grains) == 1 else (),
                frozenset(".".join(part.strip('"') for part in name.split(".")[-2:]) for name in model.depends_on),
            )
            for model in models
        }


def find_model(models: Mapping[str, Described], name: str) -> Described:
    """The model of a name.

    Raises:
        ModelError: there is none; names those that are like it.
    """
    if name in models:
        return models[name]
    close = difflib.get_close_matches(name, models, 5, 0.3) or sorted(models)[:5]
    raise ModelError(f"{name!r} is not a model of gold; there is {', '.join(close) or 'none yet'}")
