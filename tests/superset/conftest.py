"""A Superset that serves two evenings of the demo's world, for the tests of one file."""

import threading

import duckdb
import pytest

from tests import needs
from tests.harness import Pipeline
from tests.superset.site import reading, served

ITEMS = "deftunes.order_items_vw"
PAUSE = 0.5
"""Seconds between two looks of one reader: more often, they would take half of the machine from the run beside them."""
WATCHED = "test_readers_and_a_run_do_not_disturb_each_other"
SCALE = 0.3  # the smallest at which every chart has something to show: signatures of more than 35 models


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    from demo.world import World

    with World(tmp_path_factory.mktemp("world"), SCALE) as world:
        yield world


@pytest.fixture(scope="module")
def pipeline(world, tmp_path_factory):
    """The first evening of the demo's world."""
    pipeline = Pipeline(tmp_path_factory.mktemp("dashboards") / "data", world.environment)
    result = pipeline("run", "--now")
    assert result.code == 0, result.out + result.err
    return pipeline


@pytest.fixture(scope="module")
def installed():
    needs.superset()


@pytest.fixture(scope="module")
def site(installed, pipeline):
    with served(pipeline) as site:
        yield site


@pytest.fixture(scope="module")
def admin(site):
    return site.session()


@pytest.fixture(scope="module")
def reader(site):
    """Somebody who has signed in, in one browser for all tests of what a right site shows."""
    with reading(site.url) as reader:
        reader.sign_in("admin", site.password)
        yield reader


@pytest.fixture(scope="module")
def second_evening(site, admin, pipeline, world, request):
    """The next evening, on which prices and customers change; for the test of that, run while two people look at a chart.

    Returns:
        What the chart said before and after, every answer in between, and how the run ended.
    """
    number, answers, over = admin.dataset(ITEMS), [], threading.Event()

    def items(session):
        answer = session.query(number, ["items"])
        return answer.json()["result"][0]["data"][0]["items"] if answer.status_code == 200 else answer.text

    def read():
        session = site.session()
        while not over.wait(PAUSE):
            answers.append(items(session))

    before = items(admin)
    world.advance()
    watched = any(item.name == WATCHED for item in request.session.items)
    threads = [threading.Thread(target=read) for _ in range(2 if watched else 0)]
    for thread in threads:
        thread.start()
    result = pipeline("run", "--now", **world.environment)
    after = items(admin)
    over.set()
    for thread in threads:
        thread.join()
    return before, after, answers, result


@pytest.fixture
def published(second_evening, pipeline):
    with duckdb.connect(str((pipeline.folder / "serving.duckdb").resolve()), read_only=True) as con:
        yield con
