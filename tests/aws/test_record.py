"""On AWS, too, a run answers for its own sources, a corrected source goes on, and the record tells why a run failed."""

import json
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests import forks
from tests.aws.estate import Estate
from tests.small import Small

pytestmark = pytest.mark.slow

WRONG = [f"{n},{'much too long a name ' * 2}" for n in range(201, 241)]


@pytest.mark.nightly  # tests/test_record.py does it on the laptop
def test_a_source_over_its_limit_waits_and_goes_on_when_corrected(tmp_path: Path, estate: Estate) -> None:
    small = Small(tmp_path, "limit_bad", "limit_good")
    small.environment |= estate.environment

    def run(name: str, code: int) -> dict:
        return json.loads(small.run("run", name, "--json", code=code).stdout)

    for name in ("limit_bad", "limit_good"):
        small.deliver(name, "0.csv", *[f"{n},x{n}" for n in range(1, 101)])
        run(name, 0)
    small.deliver("limit_bad", "1.csv", *WRONG, "0,")
    failed = run("limit_bad", 1)
    assert "41 of 41 rows (100.0 %), limit 5 % and 10 rows" in failed["problems"][0]
    told = json.loads(small.run("status", failed["run_id"], "--json").stdout)
    assert [step["step"] for step in told["steps"]] == ["land", "refine", "check staging", "model", "publish"]
    assert told["run"]["error"] == failed["problems"][0]

    other = run("limit_good", 0)
    assert other["problems"] == []
    told = json.loads(small.run("status", "last", "--json").stdout)
    assert [step["step"] for step in told["steps"]] == ["land", "refine"]
    assert [row["source"] for row in small.status()["not_published"]] == ["limit_bad"]
    [row, *_] = json.loads(small.run("rejected", "limit_bad", "--json").stdout)["rows"]
    assert row["reasons"]

    small.deliver("limit_bad", "1.csv", *[f"{n},right" for n in range(201, 241)])
    assert run("limit_bad", 0)["published"] == ["limit_bad_gold"]
    assert small.status()["not_published"] == []


@pytest.mark.nightly
def test_a_failed_check_says_which_rows(tmp_path: Path, estate: Estate) -> None:
    small = Small(tmp_path, "check_bad")
    small.environment |= estate.environment
    contract = small.code / "soda_checks/staging/check_bad/things.yml"
    planted = {"name": "planted", "qualifier": "planted", "expression": "name = 'planted'"}
    contract.parent.mkdir()
    contract.write_text(f"checks:\n  - row_count:\n  - failed_rows: {json.dumps(planted)}\n")
    small.deliver("check_bad", "0.csv", "1,x", *[f"{n},planted" for n in range(11, 41)])
    small.run("run", "check_bad", code=1)
    told = json.loads(small.run("status", "last", "--json").stdout)
    [check] = told["checks"]
    assert check["found"] == "30 of 31 rows (96.8 %), limit 0" and '"stg_check_bad"."things"' in check["sql"]
    assert [row["key"] for row in told["failed_rows"]] == [{"id": n} for n in range(11, 31)]
    assert len(estate.redshift.query(check["sql"])) == 30


@pytest.mark.nightly
def test_what_dashboards_read_and_what_is_built_are_restored(tmp_path: Path, estate: Estate) -> None:
    small = Small(tmp_path, "lost_one", "lost_two")
    small.environment |= estate.environment

    def gold(name: str, database: str = "serving") -> list[tuple[Any, ...]]:
        return estate.redshift.query(f"SELECT id, name FROM {name}_gold.things_now ORDER BY 1", database)

    for name in ("lost_one", "lost_two"):
        small.deliver(name, "0.csv", "1,one")
    small.run("run", "--now")
    estate.redshift.query("DROP SCHEMA lost_one_gold CASCADE", "serving")
    small.deliver("lost_two", "1.csv", "2,two")
    assert "restored from gold: lost_one_gold" in small.run("run", "lost_two").stdout
    assert gold("lost_one") == [(1, "one")] and gold("lost_two") == [(1, "one"), (2, "two")]

    estate.redshift.query("UPDATE stg_ops.builds SET number = number - 1")  # a snapshot of yesterday was restored
    estate.redshift.query("DROP SCHEMA lost_two_gold, sqlmesh__lost_two_gold CASCADE")
    small.deliver("lost_two", "2.csv", "3,three")
    small.run("run", "lost_two")
    assert gold("lost_two") == gold("lost_two", "warehouse") == [(1, "one"), (2, "two"), (3, "three")]


def test_a_run_whose_lock_is_gone_commits_nothing_more(tmp_path: Path, estate: Estate) -> None:
    """Postgres ends the session, as when it fails over, while the run lands: a second run may have begun."""
    small = Small(tmp_path, "lock_lost")
    small.environment |= estate.environment
    small.deliver("lock_lost", "0.csv", "1,one")
    out, err = tmp_path / "out", tmp_path / "err"
    estate.cloud.fault(r"s3 PUT .*landing/lock_lost/_dlt_pipeline_state", "hang")
    first = forks.start(["runner.py", "run", "--now"], small.code, small.environment, out, err)
    assert estate.cloud.waiting.wait(60)
    with psycopg2.connect(
        host=str(estate.rds._sockets), port=estate.rds.port, user="postgres", dbname="postgres"
    ) as con:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'millrace'"
        con.cursor().execute(ended)
    second = json.loads(small.run("run", "--now", "--json", ELT_DATA_DIR=str(tmp_path / "elsewhere")).stdout)
    assert second["published"] == ["lock_lost_gold"]
    estate.cloud.release()
    first.join(60)
    assert first.exitcode == 4 and "ended the session that holds the lock" in err.read_text(), err.read_text()
    assert len(estate.objects("landing/lock_lost/_dlt_loads/")) == 1
    small.run("run", "--now")
    assert estate.redshift.query("SELECT landed, accepted FROM stg_lock_lost._loads") == [(1, 1)]
