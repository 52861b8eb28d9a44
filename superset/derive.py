"""Write what follows from the models: the columns of every dataset under assets/datasets.

``python -m superset.derive`` writes the files; with ``--check`` it only says which ones differ and exits 1. A column's
label (`verbose_name`), columns worked out from others (`expression`) and metrics stay as they are.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import settings as configuration
from sqlmesh_project.door import ModelColumn, model_columns

from .commands import files

ASSETS = Path(__file__).resolve().parent / "assets"
_WORDS = {"TEXT": "VARCHAR", "INT": "INTEGER", "TIMESTAMP": "TIMESTAMP WITHOUT TIME ZONE", "DOUBLE": "FLOAT"}
"""DuckDB types for which SQLAlchemy, through which Superset looks at a table, has another word than SQLGlot."""


def derived(document: files.Document, columns: dict[str, ModelColumn]) -> files.Document:
    """The dataset's document with the columns of its model.

    Raises:
        LookupError: `columns` is empty: there is no such model.
    """
    name = f"{document['schema']}.{document['table_name']}"
    if not columns:
        raise LookupError(f"dataset {name}: there is no model of that name")
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
    """Write or check every dataset file; 1 when `--check` finds one that differs or whose model is gone."""
    check, wrong = "--check" in sys.argv[1:], 0
    models = model_columns(configuration.load())
    for name, document in files.read(ASSETS).items():
        if name.startswith("datasets/"):
            text = files.dump(derived(document, models.get(f"{document['schema']}.{document['table_name']}", {})))
            path = ASSETS / name
            if path.read_text(encoding="utf-8") != text:
                wrong += 1
                print(f"{'differs from its model' if check else 'written'}: superset/assets/{name}")
                if not check:
                    path.write_text(text, encoding="utf-8")
    if check and wrong:
        print("run `make derive`, then look at the charts that used what changed")
    return 1 if check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
