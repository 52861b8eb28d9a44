"""No plan is made to find what waits for one, where prod runs exactly what the files say."""

from types import SimpleNamespace

import pytest
from sqlmesh.core.dialect import parse
from sqlmesh.core.model import load_sql_based_model
from sqlmesh.core.snapshot import Snapshot

from sqlmesh_project.pending import find_pending


def declare(name, select, *, owner="me"):
    return load_sql_based_model(parse(f"MODEL (name {name}, owner {owner}, dialect duckdb); {select}"))


ITEMS, SUMS = (
    declare("shop.items", "SELECT 1 AS i"),
    declare("shop.sums", "SELECT sum(i)::BIGINT AS s FROM shop.items AS t"),
)


class PlannedError(Exception):
    """A plan was asked for."""


def project(files, prod):
    """A project whose files hold some models and whose prod others; None: there is no prod yet."""

    def plan_builder(*args, **kwargs):
        raise PlannedError

    deployed = {model.fqn: model for model in prod or []}
    environment = SimpleNamespace(snapshots=[Snapshot.from_node(model, nodes=deployed) for model in prod or []])
    context = SimpleNamespace(
        models={model.fqn: model for model in files},
        standalone_audits={},
        state_reader=SimpleNamespace(get_environment=lambda name: environment if prod is not None else None),
        plan_builder=plan_builder,
    )
    return SimpleNamespace(context=context)


def test_nothing_waits_where_prod_runs_what_the_files_say():
    assert find_pending(project([ITEMS, SUMS], [ITEMS, SUMS]), {"shop"}) == []


@pytest.mark.parametrize(
    "prod",
    [
        None,
        [],
        [ITEMS],
        [ITEMS, SUMS, declare("shop.gone", "SELECT 1 AS i")],
        [ITEMS, declare("shop.sums", "SELECT max(i)::BIGINT AS s FROM shop.items AS t")],
        [ITEMS, declare("shop.sums", "SELECT sum(i)::BIGINT AS s FROM shop.items AS t", owner="you")],
        [declare("shop.items", "SELECT 2 AS i"), SUMS],
    ],
    ids=["no prod", "empty", "new", "removed", "edited", "another owner", "edited upstream"],
)
def test_any_difference_is_looked_at(prod):
    with pytest.raises(PlannedError):
        find_pending(project([ITEMS, SUMS], prod), {"shop"})
