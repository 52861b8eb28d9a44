"""Faults that a test plants in a runner's process before it starts (see harness.Pipeline, `patch`)."""

from pathlib import Path
from typing import Any

import yaml

STAGED = {
    "deftunes_api": ("session_items", "price > 0"),
    "deftunes_db": ("songs", "year >= 0"),
    "audiophile": ("headphones", "model > ''"),
    "sales": ("order_lines", "sales > 0"),
    "taxi": ("yellow_trips", "source_row >= 0"),
    "random_users": ("users", "person_id > ''"),
}


def fail_staging(source: str) -> None:
    """Soda finds every row of a table of the source wrong."""
    table, expression = STAGED[source]
    check = {"failed_rows": {"name": "planted", "qualifier": "planted", "expression": expression}}
    _with_check("staging", source, table, check)


def fail_a_gold_check() -> None:
    """Soda finds every revenue too high."""
    _with_check(
        "gold",
        "deftunes",
        "sales_per_artist_vw",
        {"failed_rows": {"name": "planted", "qualifier": "planted", "expression": "total_sales > 0"}},
    )


def check_what_is_not_there() -> None:
    """A contract names a column that the table lacks."""
    _with_check("gold", "deftunes", "dim_users", {"duplicate": {"name": "planted", "columns": ["no_such_column"]}})


def fail_an_audit() -> None:
    """Staging gains an item whose price a later bug let through: gold's own audit must stop it."""
    import duckdb

    import settings
    import sqlmesh_project.door as door

    original = door.run_models

    def run_models(changed: Any, blocked: Any, rebuilt: Any, config: Any) -> Any:
        with duckdb.connect(str(settings.load().warehouse)) as con:
            con.execute(
                "UPDATE stg_deftunes_api.session_items SET price = 7, _refine_id = (SELECT max(_refine_id) FROM"
                " stg_deftunes_api.session_items) WHERE item_number = 0"
            )
        return original(changed, blocked, rebuilt, config)

    door.run_models = run_models


def die_when_the_fact_is_written() -> None:
    """SIGKILL between a fact's first rows and SQLMesh's note that they are there."""
    import os
    import signal

    from sqlmesh.core.snapshot.evaluator import SnapshotEvaluator

    original = SnapshotEvaluator.evaluate

    def evaluate(self: Any, snapshot: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, snapshot, *args, **kwargs)
        if any(name in snapshot.name for name in ("fact_", "dim_people", '"audiophile"."headphones"')):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    SnapshotEvaluator.evaluate = evaluate


def fail_to_publish() -> None:
    """The disk is full when the new version is synced."""
    import warehouse.publish_file

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    warehouse.publish_file._sync = full


def compare_every_table() -> None:
    """Publish compares small tables with gold, too."""
    from warehouse import published

    published.LARGE = 0


def _with_check(layer: str, scope: str, table: str, check: dict[str, Any]) -> None:
    from soda_core.common.yaml import ContractYamlSource

    original = ContractYamlSource.from_str

    def from_str(text: str, file_path: str = "") -> Any:
        if file_path.endswith(f"{layer}/{scope}/{table}.yml"):
            content = yaml.safe_load(text)
            content["checks"].append(check)
            text = yaml.safe_dump(content)
        return original(text, file_path)

    def from_file_path(path: str) -> Any:
        return from_str(Path(path).read_text(), path)

    ContractYamlSource.from_str, ContractYamlSource.from_file_path = from_str, from_file_path
