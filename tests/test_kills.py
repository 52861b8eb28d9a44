"""Killed anywhere and run again is the same as never killed."""

import random

import pytest

from demo.world import World
from tests.harness import Pipeline

pytestmark = pytest.mark.slow

POINTS = {
    "nothing has begun": "runner:Flow.execute:before",
    "rows have landed, but not what was seen": "dlt_sources._steps.land.reread:TableRead.remember:before:1",
    "both sources have landed": "runner:Flow.land:after:2",
    "some silver tables are written": "dlt_sources._steps.silver.silver:Silver.write:after:2",
    "silver is written, staging is not": "dlt_sources._steps.staging.stage:Staging.write:before:1",
    "staging is merged but not committed": "warehouse.load:_replace:after:2",
    "staging of one source is checked": "runner:Flow.check:after:1",
    "some models are built": "sqlmesh.core.snapshot.evaluator:SnapshotEvaluator.evaluate:after:4",
    "gold is built": "runner:Flow.model:after:1",
    "gold is checked": "runner:Flow.check:after:3",
    "the new version is written but not switched to": "warehouse.publish_file:_switch:before:1",
    "it is switched to but not noted": "warehouse.publish:publish:after:1",
}


BY_NIGHT = {
    "nothing has begun",
    "both sources have landed",
    "some silver tables are written",
    "staging of one source is checked",
    "gold is built",
    "gold is checked",
}
"""Points where less can go wrong than at their neighbours."""


def cases(values, is_nightly):
    return [pytest.param(*value, marks=[pytest.mark.nightly] if is_nightly(*value) else []) for value in values]


DEFTUNES = ("deftunes_api", "deftunes_db")
OF_EACH: dict[str, dict[str, str]] = {
    "rows have landed, but not what was seen": {"kill": "dlt.load.load:Load.complete_package:after:1"},
    "silver is written, staging is not": {"kill": "dlt_sources._steps.staging.stage:Staging.write:before:1"},
    "staging is merged but not committed": {"kill": "warehouse.load:_replace:after:2"},
    "a model is written but not noted": {"patch": "tests.patches:die_when_the_fact_is_written"},
}  # what publish does is the same for every source: POINTS has it
SUNK = {"it is in Postgres but not noted": {"kill": "dlt_sources.door:sink:after:1"}}
SOURCES = {"audiophile": "audiophile", "sales": "sales", "taxi": "taxi", "random_users": "people"}


@pytest.fixture(scope="module")
def uninterrupted(last_day_gold):
    """Gold of the last day, on which every system has news, when nothing disturbed the run."""
    return last_day_gold


def survives(sources, domain, how, uninterrupted, world, first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    before, whole = pipeline.gold(domain), {k: v for k, v in uninterrupted.items() if k.startswith(f"{domain}.")}
    assert before != whole
    killed = pipeline("run", *sources, **how, **world.environment)
    assert killed.code == -9, f"the point was not reached: {killed.out}{killed.err}"
    assert pipeline.gold(domain) in (before, whole)  # what readers see is whole, old or new
    again = pipeline("run", *sources, **world.environment)
    assert again.code == 0, again.out + again.err
    assert pipeline.gold(domain) == whole
    assert pipeline.query("SELECT count(*) FROM stg_ops.runs WHERE status = 'running'") == [(0,)]


@pytest.mark.few(1)
@pytest.mark.parametrize("point", cases([(point,) for point in POINTS], lambda point: point in BY_NIGHT))
def test_killed_at_a_boundary_then_run_again(point, uninterrupted, world, first_day, tmp_path):
    survives(DEFTUNES, "deftunes", {"kill": POINTS[point]}, uninterrupted, world, first_day, tmp_path)


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("source", "point"),
    cases(
        [
            *((source, point) for source in SOURCES for point in OF_EACH if "but not" in point and "seen" not in point),
            ("audiophile", "rows have landed, but not what was seen"),  # what it saw decides what has vanished
            ("sales", "rows have landed, but not what was seen"),  # and for files what is new
            ("taxi", "silver is written, staging is not"),
            *(("random_users", point) for point in SUNK),
        ],
        lambda source, point: (
            "staging is merged" in point or (source, point) == ("sales", "a model is written but not noted")
        ),
    ),
)
def test_any_source_killed_then_run_again(source, point, uninterrupted, world, first_day, tmp_path):
    how = (OF_EACH | SUNK)[point]
    survives([source], SOURCES[source], how, uninterrupted, world, first_day, tmp_path)


@pytest.mark.nightly  # `make soak` does it with small sources
@pytest.mark.parametrize("seed", range(1))  # any number of seeds; each takes most of a minute
def test_everything_killed_at_random_then_run_again(seed, uninterrupted, world, first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    for part in (10, 20):
        pipeline("run", "--now", after=random.Random(f"{seed}{part}").uniform(0.5, part), **world.environment)
    again = pipeline("run", "--now", **world.environment)
    assert again.code == 0, again.out + again.err
    assert pipeline.gold() == uninterrupted


@pytest.fixture(scope="module")
def undisturbed_first_day(tmp_path_factory):
    """A world on its first day and gold of a run on it that nothing disturbed."""
    with World(tmp_path_factory.mktemp("world"), 0.01) as world:
        pipeline = Pipeline(tmp_path_factory.mktemp("undisturbed") / "data", world.environment)
        assert pipeline("run", *DEFTUNES).code == 0
        yield world, pipeline.gold()


@pytest.mark.samples
@pytest.mark.nightly
@pytest.mark.parametrize(
    "how",
    [
        {"patch": "tests.patches:die_when_the_fact_is_written"},
    ],
)
def test_killed_in_the_very_first_run(how, undisturbed_first_day, tmp_path):
    world, gold = undisturbed_first_day
    pipeline = Pipeline(tmp_path / "data", world.environment)
    assert pipeline("run", *DEFTUNES, **how).code == -9
    again = pipeline("run", *DEFTUNES)
    assert again.code == 0, again.out + again.err
    assert pipeline.gold() == gold


@pytest.mark.samples
@pytest.mark.nightly
def test_an_audit_that_failed_in_the_very_first_build_leaves_no_hole(undisturbed_first_day, tmp_path):
    world, gold = undisturbed_first_day
    pipeline = Pipeline(tmp_path / "data", world.environment)
    assert pipeline("run", *DEFTUNES, patch="tests.patches:fail_an_audit").code == 1
    fixed = pipeline("replay", "deftunes_api")
    assert fixed.code == 0, fixed.out + fixed.err
    assert pipeline.gold() == gold
