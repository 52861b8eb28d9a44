from collections.abc import Iterator

import pytest

from demo.world import World
from tests.aws.estate import AwsPipeline, Estate
from tests.harness import Pipeline


@pytest.fixture(scope="module")
def estate(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An AWS account with nothing in it, where the pipeline may do what Terraform's policy says."""
    with Estate(tmp_path_factory.mktemp("estate"), world.postgres) as estate:
        estate.prepare_for(world)
        yield estate


@pytest.fixture(scope="module")
def on_aws(estate: Estate, world: World, tmp_path_factory: pytest.TempPathFactory) -> AwsPipeline:
    """A pipeline on AWS that has run once, on the world's first day."""
    named = {
        "ELT_DEFTUNES_DB_URL": "secret:millrace/sources#deftunes_db_url",
        "DESTINATION__FILESYSTEM__MAX_STATE_FILES": "1",  # dlt forgets all but so many; by itself it waits for a hundred
    }
    pipeline = AwsPipeline(tmp_path_factory.mktemp("aws") / "data", estate, world.environment | named)
    result = pipeline("run", "--now")
    assert result.code == 0, result.out + result.err
    pipeline.said_first = list(estate.redshift.statements)
    return pipeline


@pytest.fixture(scope="module")
def on_laptop(estate: Estate, world: World, first_day: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The same on a laptop."""
    folder = first_day.copy(tmp_path_factory.mktemp("laptop") / "data").folder
    return Pipeline(folder, world.environment | estate.of_a_laptop)
