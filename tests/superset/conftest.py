"""A Superset that serves two evenings of the demo's world, for the tests of one file."""

import duckdb
import pytest

from runtime.console import Console
from superset.door import install
from tests.harness import Pipeline
from tests.superset.site import served

SCALE = 0.3  # the smallest at which every chart has something to show: signatures of more than 35 models


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    from demo.world import World

    with World(tmp_path_factory.mktemp("world"), SCALE) as world:
        yield world


@pytest.fixture(scope="module")
def pipeline(world, tmp_path_factory):
    """Two evenings of the demo's world: some prices and customers have changed."""
    pipeline = Pipeline(tmp_path_factory.mktemp("dashboards") / "data", world.environment)
    for day in range(2):
        if day:
            world.advance()
        result = pipeline("run", "--now", **world.environment)
        assert result.code == 0, result.out + result.err
    return pipeline


@pytest.fixture(scope="module")
def installed():
    install(Console())


@pytest.fixture(scope="module")
def site(installed, pipeline):
    with served(pipeline) as site:
        yield site


@pytest.fixture(scope="module")
def admin(site):
    return site.session()


@pytest.fixture
def published(pipeline):
    with duckdb.connect(str((pipeline.folder / "serving.duckdb").resolve()), read_only=True) as con:
        yield con
