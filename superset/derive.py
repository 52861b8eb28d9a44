"""Write what follows from the models: the columns of every dataset under assets/datasets.

``python -m superset.derive`` writes the files; with ``--check`` it only says which ones differ and which names of charts
and dashboards lead nowhere, and exits 1. A column's label (`verbose_name`), columns worked out from others (`expression`)
and metrics stay as they are.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import settings as configuration
from foundation.derived import write_all
from sqlmesh_project.door import ModelColumn, model_columns

from .chain import broken
from .scripts import files

ASSETS = Path(__file__).resolve().parent / "assets"
_WORDS = {"TEXT": "VARCHAR", "INT": "INTEGER", "TIMESTAMP": "TIMESTAMP WITHOUT TIME ZONE", "DOUBLE": "FLOAT"}
"""DuckDB types for which SQLAlchemy, through which Superset looks at a table, has another word than SQLGlot."""


def derived(document: files.Document, columns: dict[str, ModelColumn]) -> files.Document:
    """The dataset's document with the columns of its model."""
    before = {column["column_name"]: column for column in document.get("columns", [])}
    fresh: list[dict[str, Any]] = [column for column in before.values() if column.get("expression")]
    for column, declared in columns.items():
        label = before.get(column, {}).get("verbose_name") or column.replace("_", " ").capitalize()
        fresh.append(
            {
                "column_name": column,
                "description": declared.description,
                "is_dttm": declared.type in ("DATE", "TIMESTAMP"),
                "type": superset_type(declared.type),
                "verbose_name": label,
            }
        )
    return files.plain("datasets", {**document, "columns": fresh})


def superset_type(duckdb_type: str) -> str:
    """A DuckDB type as Superset names it: without a text's length, which DuckDB does not keep."""
    base = re.split(r"[( ]", duckdb_type)[0]
    return _WORDS.get(base, duckdb_type.replace("DECIMAL", "NUMERIC"))


def main() -> int:
    """Write or check every dataset file; 1 when `--check` finds one that differs or a name that leads nowhere."""
    check = "--check" in sys.argv[1:]
    models = model_columns(configuration.load())
    differing = write_all(_datasets(models), check=check)
    faults = broken(files.read(ASSETS), models)
    for line in faults:
        print(f"superset/assets: {line}")
    if check and differing:
        print("run `make derive`; it says which charts used what is gone")
    return 1 if faults or (check and differing) else 0


def _datasets(models: dict[str, dict[str, ModelColumn]]) -> Iterator[tuple[Path, str]]:
    """(file, content) of the datasets that show a model."""
    for name, document in files.read(ASSETS).items():
        model = models.get(f"{document.get('schema')}.{document.get('table_name')}")
        if name.startswith("datasets/") and model:
            yield ASSETS / name, files.dump(derived(document, model))


if __name__ == "__main__":
    sys.exit(main())
