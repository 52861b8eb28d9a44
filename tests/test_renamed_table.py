"""A table that gets another name in source.yml: every command goes on, whatever the earlier name has left behind."""

import json

import pytest

from tests.small import Small

pytestmark = pytest.mark.slow

LEFT = {
    # what the earlier name has left: (rows that were delivered last, limit of rejected rows, exit code)
    "nothing open": (["2,two"], {}, 0),
    "rejected rows": (["2,two", "0,wrong"], {"share": 1.0}, 0),
    "a limit that failed": (["2,two", "0,wrong"], {"share": 0.0, "rows": 0}, 1),
}
FOLLOWED = {
    # what was brought in line with the new name
    "nothing": (),
    "derived files": ("derive",),
    "derived files and models": ("models", "derive"),
}


def rename(small, followed):
    """`things` becomes `items`."""
    source = small.code / "dlt_sources/bad/source.yml"
    source.write_text(source.read_text().replace("things:", "items:"))
    if "models" in followed:
        for name in ("models/bad_gold/things_now.sql", "tests/test_bad.yaml"):
            path = small.code / "sqlmesh_project" / name
            path.write_text(path.read_text().replace("stg_bad.things", "stg_bad.items"))
    if "derive" in followed:
        small("-m", "dlt_sources.derive")


@pytest.mark.nightly
@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("left", "followed"),
    [
        ("a limit that failed", "derived files and models"),
        pytest.param("a limit that failed", "nothing", marks=pytest.mark.nightly),
        pytest.param("rejected rows", "derived files", marks=pytest.mark.nightly),
        ("nothing open", "derived files and models"),
    ],
)
def test_every_command_goes_on(tmp_path, postgres, left, followed):
    rows, limit, failed = LEFT[left]
    small = Small(tmp_path, "bad", "good")
    small.environment["ELT_POSTGRES_URL"] = postgres.operational
    more = {"sinks": ["warehouse", "postgres"]} if followed == "derived files and models" else {}
    small.declare("bad", max_rejected=limit, **more)
    for name in ("bad", "good"):
        small.deliver(name, "0.csv", "1,one")
    small.run("run", "--now")
    small.deliver("bad", "1.csv", *rows)
    small.run("run", "--now", code=failed)
    rename(small, FOLLOWED[followed])

    def say(*words, code=0):
        done = small.run(*words, code=code)
        assert "Error:" not in done.stdout + done.stderr and "Catalog" not in done.stdout + done.stderr, done.stderr
        return done.stdout

    wrong = len(rows) - 1
    say("status")  # before a run has met the new name
    say("check")
    assert len(json.loads(say("rejected", "--json"))["rows"]) == wrong
    say("replay", "bad", *(["--rejected"] if wrong else []), code=None)
    small.deliver("good", "1.csv", "2,two")
    run = json.loads(say("run", "--now", "--json", code=failed))
    assert "good_gold" in run["published"] and (2, "two") in small.gold("good")
    assert run["counts"]["bad"] == [1 + len(rows), 2, wrong]
    tables = {(row["source"], row["table"]) for row in small.status()["tables"]}
    assert {("bad", "items"), ("bad", "things"), ("good", "things")} == tables
    assert len(json.loads(say("rejected", "bad", "--json"))["rows"]) == 2 * wrong
    say("replay", "bad", *(["--rejected"] if wrong else []), code=failed)
    say("plan", code=2 if followed == "derived files" else failed)  # there a model names a table that no source has
    if failed:  # the limit goes by the rows of the present table
        small.deliver("bad", "1.csv", "2,two")
        source = small.code / "dlt_sources/bad/source.yml"
        source.write_text(source.read_text().replace("share: 0.0", "share: 1.0"))
    done = json.loads(say("run", "--now", "--json"))
    assert done["problems"] == [] and small.query("SELECT count(*) FROM stg_bad.items", "warehouse.duckdb") == [(2,)]
    if followed == "derived files and models":
        assert small.gold("bad") == [(1, "one"), (2, "two")]
