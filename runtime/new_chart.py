"""`runner.py new chart`: a first chart of a model, with its dataset and a dashboard."""

from __future__ import annotations

from importlib.util import find_spec

import settings as configuration
from foundation.console import Console
from settings import ROOT

from .written import tell_files


def create_chart(name: str, dry_run: bool, as_json: bool) -> None:
    """Write the asset files of a chart, and say what is left to decide."""
    from sqlmesh_project.described import described_models, find_model
    from sqlmesh_project.door import model_columns
    from superset.new_chart import make_chart

    settings, console = configuration.load(), Console(as_json)
    model = find_model(described_models(settings), name)
    made, doubts, sql = make_chart(name, model.description, model.grain, model_columns(settings)[name])
    doubts.append(_say_what_it_shows(name.replace(".", "_"), sql))
    then = "`python runner.py dashboards import`, then look at it with `python runner.py dashboards serve`"
    tell_files(
        console,
        {"chart": name},
        {f"superset/assets/{path}": text for path, text in made.items()},
        doubts,
        then,
        dry_run,
    )


def _say_what_it_shows(chart: str, statement: str) -> str:
    """Where the statement goes that the chart is compared with, where a test reads it."""
    if _is_compared():
        return f"{chart} needs its line in tests/superset/numbers.yml, such as: {statement}"
    return (
        f"{chart} has to show what this says of gold: {statement} (`python runner.py sql`); without the samples no test"
        " compares them"
    )


def _is_compared() -> bool:
    """Whether charts are compared with gold here: the test needs the samples and the demo's systems, which images do not have."""
    if find_spec("demo") is None:
        return False
    from demo.folder import SOURCES

    return all((ROOT / "dlt_sources" / source).exists() for source in SOURCES)
