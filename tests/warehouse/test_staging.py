"""What the models read of the pipeline's own record is what the code writes there, column by column."""

import pytest
import yaml
from sqlglot import exp

from tests.harness import ROOT
from warehouse.ops_tables import TABLES
from warehouse.staging import without_marks
from warehouse.united import UNITED

MODELS = yaml.safe_load((ROOT / "sqlmesh_project/external_models/ops.yaml").read_text())
MADE = TABLES | {name: without_marks(columns) for name, (_, columns) in UNITED.items()}


@pytest.mark.parametrize("model", MODELS, ids=[model["name"] for model in MODELS])
def test_each_column_that_is_declared_is_made_with_that_type(model):
    schema, name = model["name"].split(".")
    assert schema == "stg_ops"
    for column, kind in model["columns"].items():
        assert exp.DataType.build(kind) == exp.DataType.build(MADE[name][column]), column
    assert set(model["column_descriptions"]) == set(model["columns"])
