"""What fails is said, exits with its own code, tells the team, and leaves what dashboards read as it was."""

import json

import pytest

from tests.alerts import listening
from tests.harness import Pipeline

pytestmark = pytest.mark.slow


DEFTUNES = ("deftunes_api", "deftunes_db")
DOMAINS = {
    "deftunes_db": "deftunes",
    "audiophile": "audiophile",
    "sales": "sales",
    "taxi": "taxi",
    "random_users": "people",
}


@pytest.fixture(scope="module", autouse=True)
def good(last_day_gold):
    """Gold of the last day when nothing fails."""
    return last_day_gold


def of(domain, gold):
    return {table: rows for table, rows in gold.items() if table.startswith(f"{domain}.")}


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("fail_a_gold_check", 1, "check failed: gold deftunes: sales_per_artist_vw: planted"),
        pytest.param("check_what_is_not_there", 1, "no_such_column", marks=pytest.mark.nightly),
        pytest.param(
            "fail_an_audit",
            1,
            "deftunes.fact_order_items: audit accepted_range",
            marks=pytest.mark.nightly,  # test_audits.py has audits of every kind
        ),
        pytest.param("fail_to_publish", 4, "No space left on device", marks=pytest.mark.nightly),
    ],
)
def test_a_failure_keeps_the_published_data_and_the_next_run_goes_on(
    fault, code, said, good, world, first_day, tmp_path
):
    pipeline = first_day.copy(tmp_path / "data")
    before = pipeline.gold()
    failed = pipeline("run", *DEFTUNES, patch=f"tests.patches:{fault}", **world.environment)
    assert failed.code == code, failed.out + failed.err
    assert said in failed.err
    assert "Traceback" not in failed.err
    assert pipeline.gold() == before
    run = pipeline("status", "--json").json["runs"][0]
    assert (run["status"], run["exit_code"]) == ("failed", code)
    if fault == "fail_an_audit":  # that fault damaged staging itself: only landing can repair it
        again = pipeline("replay", "deftunes_api", **world.environment)
    else:
        again = pipeline("run", *DEFTUNES, **world.environment)
    assert again.code == 0, again.out + again.err
    assert pipeline.gold("deftunes") == of("deftunes", good)


@pytest.mark.few(1)
@pytest.mark.parametrize("source", ["taxi", "deftunes_db"])  # alone in its domain, and one of two
def test_a_source_whose_staging_fails_keeps_what_is_published_and_holds_up_no_other(
    source, good, world, first_day, tmp_path
):
    pipeline = first_day.copy(tmp_path / "data")
    other = "sales" if source != "sales" else "random_users"
    before = pipeline.gold(DOMAINS[source])
    failed = pipeline("run", source, other, patch=f"tests.patches:fail_staging:{source}", **world.environment)
    assert failed.code == 1 and f"check failed: staging {source}: " in failed.err, failed.out + failed.err
    assert pipeline.gold(DOMAINS[source]) == before
    assert pipeline.gold(DOMAINS[other]) == of(DOMAINS[other], good)
    again = pipeline("run", source, **world.environment)
    assert again.code == 0, again.out + again.err
    if source != "deftunes_db":  # that domain's other source has not run
        assert pipeline.gold(DOMAINS[source]) == of(DOMAINS[source], good)


@pytest.mark.nightly
def test_a_domain_that_fails_in_the_very_first_run_holds_up_no_other(world, tmp_path):
    pipeline = Pipeline(tmp_path / "data", world.environment)
    failed = pipeline("run", "sales", "random_users", patch="tests.patches:fail_staging:sales")
    assert failed.code == 1, failed.out + failed.err
    assert pipeline.gold("people")["people.dim_people"] and pipeline.gold("sales") == {}
    again = pipeline("run", "sales")
    assert again.code == 0, again.out + again.err
    assert pipeline.gold("sales")["sales.fact_sales"]


def code_of(kind, source):
    """How a run ends: an API that answers with other keys than declared, or with a page, may never get right by itself."""
    return 2 if kind == "object" or (kind == "html" and source.endswith("_api")) else 3


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("source", "path", "kind"),
    [
        pytest.param("audiophile", "rankings", "status", marks=pytest.mark.nightly),
        pytest.param("audiophile", "rankings", "truncated", marks=pytest.mark.nightly),
        ("audiophile", "rankings", "html"),
        ("random_users", "api", "object"),
        ("random_users", "api", "truncated"),
        ("taxi", "trip-data", "status"),
        pytest.param("taxi", "trip-data", "truncated", marks=pytest.mark.nightly),
    ],
)
def test_any_source_that_is_broken_for_one_run_is_said_so_and_caught_up_by_the_next(
    source, path, kind, good, world, first_day, tmp_path
):
    pipeline = first_day.copy(tmp_path / "data")
    before = pipeline.gold(DOMAINS[source])
    world.fault(path, kind, times=99, status=500)
    failed = pipeline("run", source, **world.environment)
    world.control("calm")
    assert failed.code == code_of(kind, source), failed.out + failed.err
    assert "Traceback" not in failed.err
    assert pipeline.gold(DOMAINS[source]) == before
    again = pipeline("run", source, **world.environment)
    assert again.code == 0, again.out + again.err
    assert pipeline.gold(DOMAINS[source]) == of(DOMAINS[source], good)


@pytest.mark.nightly  # test_isolation.py does it with small sources
def test_a_postgres_that_is_away_is_exit_code_4_and_caught_up_by_the_next(world, first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    away = world.environment | {"ELT_POSTGRES_URL": "postgresql://me:hunter2@127.0.0.1:9/x"}
    failed = pipeline("run", "random_users", **away)
    assert failed.code == 4 and "operational Postgres could not be reached" in failed.err, failed.out + failed.err
    assert "hunter2" not in failed.out + failed.err
    assert "published people" in failed.out  # the dashboards do not wait for it
    again = pipeline("run", "random_users", **world.environment)
    assert again.code == 0 and "sink          random_users" in again.out, again.out + again.err
    assert "sink" not in pipeline("run", "random_users", **world.environment).out


@pytest.mark.nightly  # test_record.py does it with small sources
def test_too_many_rejected_rows_stop_the_source(world, first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    before = pipeline.gold()
    failed = pipeline("run", *DEFTUNES, patch="tests.test_nothing_bad:distrust_songs", **world.environment)
    assert failed.code == 1
    assert "limit 5 % and 2 rows" in failed.err and "runner.py rejected deftunes_db" in failed.err
    assert pipeline.gold() == before
    fixed = pipeline("replay", "deftunes_db", "--rejected", **world.environment)  # the contract is right again
    assert fixed.code == 0, fixed.out + fixed.err
    assert pipeline.gold() != before


def distrust_songs():
    """A contract that a careless change made too strict: everything that lands now breaks it."""
    import dlt_sources.deftunes_db.contract as contract
    from dlt_sources._steps.contracts.contract import column

    class Song(contract.Song):
        """One track of the catalogue."""

        title: str = column("Title", max_length=500, pattern="^never$")

    contract.Song = Song
    import dlt_sources._steps.declared.declaration as declaration
    import dlt_sources._steps.declared.source_yml as source_yml

    original = declaration.Source.__init__

    def strict(self, folder):
        original(self, folder)
        if self.name == "deftunes_db":
            table = self.declared.tables["songs"]
            object.__setattr__(table, "max_rejected", source_yml.RejectLimit(share=0.05, rows=2))

    declaration.Source.__init__ = strict


@pytest.mark.nightly
def test_a_source_that_is_broken_for_some_runs_is_said_so_and_caught_up_by_the_next(good, world, first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    before, landed = pipeline.gold(), {f for f in pipeline.landed() if "deftunes_api" in f}
    for kind in ("status", "truncated", "empty", "object", "html"):
        world.fault("sessions", kind, times=5, status=500)
        failed = pipeline("run", *DEFTUNES, **world.environment)
        world.control("calm")
        assert failed.code == code_of(kind, "deftunes_api"), (kind, failed.out + failed.err)
        assert "deftunes_api" in failed.err or "/sessions" in failed.err, kind
        assert "nothing of this read was landed" in failed.err, kind
        now = {f for f in pipeline.landed() if "deftunes_api" in f}
        assert now == landed, kind  # users answered, but half a read is none
        assert pipeline.gold()["deftunes.dim_users"] == before["deftunes.dim_users"], kind
    assert pipeline.gold()["deftunes.dim_songs"] != before["deftunes.dim_songs"]  # the other source went on
    again = pipeline("run", *DEFTUNES, **world.environment)
    assert again.code == 0, again.out + again.err
    assert pipeline.gold("deftunes") == of("deftunes", good)


def test_a_short_trouble_is_waited_out(good, world, first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    world.fault("sessions", "status", times=2, status=503)
    world.fault("users", "status", times=1, status=429, retry_after=0)
    world.fault("api", "status", times=2, status=429, retry_after=0)
    result = pipeline("run", *DEFTUNES, "random_users", **world.environment)
    assert result.code == 0, result.out + result.err
    assert pipeline.gold("deftunes", "people") == of("deftunes", good) | of("people", good)


def test_an_empty_answer_is_an_answer(world, first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    before = pipeline.gold()
    world.fault("api", "no_people", times=1)
    result = pipeline("run", "random_users", **world.environment)
    assert result.code == 0 and pipeline.gold() == before, result.out + result.err


def test_the_team_hears_of_a_failure_without_secrets(world, first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    with listening(lambda _, body: json.loads(body)) as (port, heard):
        environment = world.environment | {
            "ELT_ALERT_URLS": f"json://127.0.0.1:{port}",
            "ELT_DEFTUNES_DB_URL": "postgresql://deftunes:hunter2@127.0.0.1:9/postgres",
        }
        result = pipeline("run", "deftunes_db", **environment)
        again = pipeline("run", "deftunes_db", **environment)  # the same trouble, a minute later: no second word
    assert (result.code, again.code) == (3, 3)
    [message] = heard
    assert "deftunes_db failed" in message["title"] and "deftunes_db" in message["message"]
    assert "hunter2" not in str(heard) + result.out + result.err
    assert "hunter2" not in str(pipeline.query("SELECT * FROM stg_ops.runs"))
