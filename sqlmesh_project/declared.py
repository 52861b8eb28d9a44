"""What the files of the models declare, read without building anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .copied import declared_models
from .loading import ModelError, load

if TYPE_CHECKING:
    from settings import Settings


@dataclass(frozen=True)
class ModelColumn:
    """A column of a model: its type in DuckDB's words, and what its description says."""

    type: str
    description: str


def model_columns(settings: Settings) -> dict[str, dict[str, ModelColumn]]:
    """The columns of every model of gold as the files declare them, by model and name; no warehouse is needed.

    Raises:
        ModelError: the models do not load.
    """
    with declared_models(settings) as models:
        return {
            model.name: {
                name: ModelColumn(type.sql("duckdb"), model.column_descriptions.get(name, ""))
                for name, type in (model.columns_to_types or {}).items()
            }
            for model in models
        }


def table_layouts() -> dict[str, dict[str, str]]:
    """How each model that is a table declares to be distributed and sorted: `diststyle`, `distkey`, `sortkey`, by its name.

    None where the models do not load: a table without keys is slow, one that is not published is missing.
    """
    try:
        context = load().context
    except ModelError:
        return {}
    try:
        return {
            model.name: {name: value.name for name, value in model.physical_properties.items()}
            for model in context.models.values()
            if not model.kind.is_external
        }
    finally:
        context.close()
