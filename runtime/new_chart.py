"""`runner.py new chart`: a first chart of a model, with its dataset and a dashboard."""

from __future__ import annotations

import settings as configuration
from foundation.console import Console

from .written import tell_files


def create_chart(name: str, dry_run: bool, as_json: bool) -> None:
    """Write the asset files of a chart, and say what is left to decide."""
    from sqlmesh_project.described import described_models, find_model
    from sqlmesh_project.door import model_columns
    from superset.new_chart import make_chart

    settings, console = configuration.load(), Console(as_json)
    model = find_model(described_models(settings), name)
    made, doubts, sql = make_chart(name, model.description, model.grain, model_columns(settings)[name])
    doubts.append(f"{name.replace('.', '_')} wants its line in tests/superset/numbers.yml, such as: {sql}")
    then = "`python runner.py dashboards import`, then look at it with `python runner.py dashboards serve`"
    tell_files(
        console,
        {"chart": name},
        {f"superset/assets/{path}": text for path, text in made.items()},
        doubts,
        then,
        dry_run,
    )
