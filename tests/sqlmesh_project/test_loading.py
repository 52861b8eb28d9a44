"""How the project's models are loaded, and what is known of those whose file SQLMesh cannot read."""

from typing import Any, cast

import pytest
from sqlmesh.core import analytics, context

from sqlmesh_project import loading

MEASURED = [
    name
    for name, method in vars(context.GenericContext).items()
    if getattr(method, "__code__", None) and method.__code__.co_filename == analytics.__file__
]
BLUEPRINTS = """MODEL (
  name shop_gold.@{name},
  blueprints ((name := big_things, read := things, least := 5), (name := 'small_things', read := parts, least := 1)),
  kind VIEW
);
SELECT FROM ( t.id FROM shop_gold.@{read} AS t WHERE t.size > @least AND t.name := 1
"""
ONE = "MODEL (name other_gold.total, kind VIEW); SELECT FROM ( SUM(a.n) FROM stg_shop.amounts AS a"


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (BLUEPRINTS, {f"shop_gold.{size}_things": ("shop_gold", {"shop", "bank"}) for size in ("big", "small")}),
        (ONE, {"other_gold.total": ("other_gold", {"shop"})}),
        ("SELECT 1 AS one", {"models.total": ("models", set())}),
    ],
    ids=["blueprints", "one model", "no head"],
)
def test_every_model_of_a_file_is_known_with_the_sources_it_is_built_on(text, known, tmp_path):
    path = tmp_path / "models" / "total.sql"
    path.parent.mkdir()
    path.write_text(text)
    project = loading.Project(cast(Any, None), None, unread=dict(loading._names_and_text(path)))
    others = {"shop_gold.things": ("shop_gold", {"shop"}), "shop_gold.parts": ("shop_gold", {"bank"})}
    assert project.feeds(others) == known


def test_no_method_goes_through_sqlmesh_s_analytics():
    """They are turned off, and import IPython and read the source of every caller all the same: a second of CPU each."""
    assert {"run", "plan", "plan_builder"} <= set(MEASURED)
    ours = loading._context()
    left = [name for name in MEASURED if getattr(ours, name).__code__.co_filename == analytics.__file__]
    assert left == [] and issubclass(ours, context.GenericContext)
