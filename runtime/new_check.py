"""`runner.py new check`: a first Soda contract for a table of gold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import settings as configuration
from foundation.console import Console
from warehouse.staging import source_of

from .written import tell_files

if TYPE_CHECKING:
    from settings import Settings
    from soda_checks.new_check import Checked
    from sqlmesh_project.described import Described


def create_check(name: str, dry_run: bool, as_json: bool) -> None:
    """Write a contract of what can be derived for a table of gold, and say what is left to decide."""
    from soda_checks.new_check import make_check, place_of
    from sqlmesh_project.described import described_models, find_model

    settings, console = configuration.load(), Console(as_json)
    path = place_of(name)
    models = described_models(settings)
    text, doubts = make_check(_found(find_model(models, name), models, settings))
    following = "decide, then `python runner.py check`"
    tell_files(console, {"check": name}, {f"soda_checks/{path}": text}, doubts, following, dry_run)


def _found(model: Described, models: dict[str, Described], settings: Settings) -> Checked:
    from soda_checks.new_check import Checked

    staging, marks = _staging_of(model)
    keys: dict[str, list[str]] = {}
    for other in models.values():
        if len(other.grain) == 1 and other.domain not in (model.domain, "ops"):
            keys.setdefault(other.grain[0], []).append(other.name)
    references = [
        (column, keys[column][0])
        for column in model.columns
        if len(keys.get(column, ())) == 1 and "_" in column  # `id` and `name` are everybody's
    ]
    return Checked(model.name, model.columns, staging, marks, references)


def _staging_of(model: Described) -> tuple[str, bool]:
    """(the table of staging whose rows are the model's; whether it marks deleted ones); "" where that is not certain."""
    from dlt_sources.door import load_sources

    if len(model.reads) != 1:
        return "", False
    [read] = model.reads
    sources, source, short = load_sources(), source_of(read) or "", read.partition(".")[2]
    if source not in sources or short not in sources[source].tables:
        return "", False
    table = sources[source].tables[short]
    same = table.mode != "scd2" and set(table.key) == set(model.grain)
    return (read if same else ""), table.sees_deletes and not table.removes
