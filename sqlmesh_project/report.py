"""What the edited models would change, as Markdown: `runner.py plan --preview`, and for a pull request `python -m
sqlmesh_project.report`.

The warehouse holds what is deployed (for a pull request the demo's world, built by the base branch). The models of this
checkout are planned and built beside it, in an environment of their own; what is deployed is only read. SQLMesh says what
changed and how; the rows are compared by each model's grain.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import settings as configuration

from .lineage import short_name
from .loading import ModelError, load

if TYPE_CHECKING:
    from sqlmesh import Context
    from sqlmesh.core.context_diff import ContextDiff

    from settings import Settings

ENVIRONMENT = "review"
NONE = "### Models: none changes\n"
_WHOSE_ROWS = "Rows are those of the demo's world, built by the base branch and by this one."
KINDS = {
    "BREAKING": "breaking: it and what depends on it are built again",
    "NON_BREAKING": "not breaking: what depends on it stays",
    "INDIRECT_BREAKING": "built again",
    "INDIRECT_NON_BREAKING": "stays",
    "METADATA": "words only: nothing is built",
}


def report(settings: Settings) -> str:
    """Plan and build this checkout's models beside prod's, and say what differs.

    Raises:
        ModelError: the models do not load, or do not build on the base's data; the message holds SQLMesh's reason.
    """
    from sqlmesh.utils.errors import SQLMeshError

    project = load(whole=True)
    context, listener = project.context, project.listener
    try:
        if context.state_reader.get_environment("prod") is None:
            raise ModelError(f"{settings.data} holds no built models to compare with: run the sources once first")
        plan = context.plan_builder(ENVIRONMENT, skip_tests=True, include_unmodified=True).build()
        diff = plan.context_diff
        if not diff.has_changes or not (diff.modified_snapshots or diff.added or diff.removed_snapshots):
            return NONE
        context.apply(plan)
        return "\n".join(_lines(context, diff)) + "\n"
    except SQLMeshError as error:
        reasons = "; ".join(listener.failures() or listener.errors) or str(error)
        raise ModelError(f"the models cannot be planned or built on the base's data: {reasons}") from error
    finally:
        context.close()


def _lines(context: Context, diff: ContextDiff) -> list[str]:
    edited = sorted(n for n in diff.modified_snapshots if diff.directly_modified(n) or diff.metadata_updated(n))
    follow = sorted(n for n in diff.modified_snapshots if n not in edited)
    added = sorted(short_name(snapshot.name) for snapshot in diff.added if not _external(diff.snapshots[snapshot]))
    removed = sorted(short_name(snapshot.name) for snapshot in diff.removed_snapshots)
    lines = [f"### Models: {len(edited)} edited, {len(added)} added, {len(removed)} removed, {len(follow)} follow"]
    lines += [f"- **{name}** is added" for name in added] + [f"- **{name}** is removed" for name in removed]
    for name in edited:
        new, _ = diff.modified_snapshots[name]
        lines += ["", f"**{short_name(name)}**: {_kind(new)}"]
        lines += [f"- {text}" for text in _differences(context, name)]
        lines += [
            "",
            "<details><summary>its text</summary>",
            "",
            "~~~diff",
            diff.text_diff(name).strip(),
            "~~~",
            "",
            "</details>",
        ]
    if follow:
        lines += ["", "What depends on them:", ""]
    for name in follow:
        new, _ = diff.modified_snapshots[name]
        rows = "; ".join(_differences(context, name)) if _kind(new) == KINDS["INDIRECT_BREAKING"] else ""
        lines.append(f"- {short_name(name)}: {_kind(new)}{f'; {rows}' if rows else ''}")
    return lines


def _kind(snapshot: Any) -> str:
    category = snapshot.change_category
    return KINDS.get(category.name, category.name.lower().replace("_", " ")) if category else "not categorised"


def _external(snapshot: Any) -> bool:
    return bool(snapshot.model.kind.is_external)


def _differences(context: Context, name: str) -> list[str]:
    """Columns and rows of a model in prod and in the plan's environment, compared by its grain."""
    model = context.get_model(name)
    if model is None or model.kind.is_external or model.kind.is_embedded:
        return ["not a table: nothing to compare"]
    [found] = context.table_diff(
        "prod", ENVIRONMENT, select_models=[model.name], show=False, skip_grain_check=True
    ) or [None]
    if found is None:
        return ["the same table as before"]
    schema, rows = found.schema_diff(), found.row_diff()
    lines = [f"column `{column}` {kind.sql()} is added" for column, kind in schema.added]
    lines += [f"column `{column}` is removed" for column, _ in schema.removed]
    lines += [f"column `{c}` was {old.sql()}, is {new.sql()}" for c, (old, new) in sorted(schema.modified.items())]
    lines.append(
        f"rows: {rows.source_count:,} before, {rows.target_count:,} after; {rows.s_only_count:,} gone, "
        f"{rows.t_only_count:,} new, {rows.partial_match_count:,} changed, {rows.full_match_count:,} equal"
    )
    return lines


def preview(wait: float) -> str:
    """The report under the lock of the runs, for a person who is about to `plan`.

    Args:
        wait: seconds to wait for another run to end.

    Raises:
        ModelError, LockError: as `report`; another run did not end.
    """
    from foundation.lock import one_at_a_time
    from foundation.place import owner_only
    from foundation.signals import interruptible
    from warehouse.connection import keep_warehouse_open

    settings = configuration.load()
    with interruptible(), owner_only(), one_at_a_time(settings, wait), keep_warehouse_open(settings):
        text = report(settings)
    if text == NONE:
        return f"{text}\nWhat prod runs is what the files hold.\n"
    return (
        f"{text}\nBuilt in the environment `{ENVIRONMENT}`, beside prod: what dashboards show is as it was."
        " `python runner.py plan` brings it to prod.\n"
    )


def main() -> int:
    """Print the report; 1 and the reason when the models cannot be built."""
    try:
        text = report(configuration.load())
        print(text if text == NONE else f"{text}\n{_WHOSE_ROWS}\n")
    except ModelError as error:
        print(f"### Models: the report could not be made\n\n{error}")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
