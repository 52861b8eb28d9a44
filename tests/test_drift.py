"""Drift from the source to the dashboards: said once, sent once, shown until it is over, and turned into a contract."""

import json

import pytest

from tests.alerts import listening
from tests.small import Small

pytestmark = pytest.mark.slow


@pytest.fixture
def team():
    """Whom alerts reach: the titles and texts that came."""
    with listening(lambda _, body: json.loads(body)) as (port, heard):
        yield f"json://127.0.0.1:{port}", heard


def deliver(small, file, head, *rows):
    (small.drop["shop"] / file).write_text("\n".join([head, *rows]) + "\n")


def test_a_new_field_is_said_once_sent_once_and_declared_by_the_line_that_drift_prints(tmp_path, team):
    url, heard = team
    small = Small(tmp_path, "shop")
    deliver(small, "1.csv", "id,name", "1,one", "2,two")
    first = small.run("run", "shop", ELT_ALERT_URLS=url)
    assert "does not declare" not in first.stdout and small.status()["drift"] == [] and heard == []
    assert "sends what its contract declares" in small.run("drift").stdout
    deliver(small, "2.csv", "id,name,Voucher Code", "3,three,secret-value", "4,four,")
    said = small.run("run", "shop", ELT_ALERT_URLS=url)
    line = "shop.things sends a field that its contract does not declare: Voucher Code (text): `python runner.py drift shop`"
    assert said.stdout.count(line) == 1
    [alert] = heard
    assert "shop" in alert["title"] and "Voucher Code" in alert["message"]
    deliver(small, "3.csv", "id,name,Voucher Code", "5,five,x")
    again = small.run("run", "shop", "--json", ELT_ALERT_URLS=url)
    assert json.loads(again.stdout)["drift"] == [] and len(heard) == 1
    [row] = small.status()["drift"]
    assert (row["source"], row["table"], row["path"], row["what"], row["type"], row["rows"]) == (
        "shop",
        "things",
        "Voucher Code",
        "unknown",
        "text",
        3,
    )
    assert "Voucher Code" in small.run("status").stdout
    assert small.query('SELECT path, what, type, "rows", ended_at FROM ops.drift') == [
        ("Voucher Code", "unknown", "text", 3, None)
    ]
    assert not any("secret-value" in str(part) for part in (said, again, alert, row))
    lines = small.run("drift", "shop").stdout.splitlines()
    assert lines[0] == "dlt_sources/shop/contract.py, class Thing:"
    contract = small.code / "dlt_sources/shop/contract.py"
    contract.write_text(contract.read_text() + lines[1] + "\n")
    small("-m", "dlt_sources.derive")
    deliver(small, "4.csv", "id,name,Voucher Code", "6,six,y")
    small.run("run", "shop")
    assert small.status()["drift"] == []
    [(ended,)] = small.query("SELECT ended_at IS NOT NULL FROM ops.drift")
    assert ended


def test_a_name_that_nobody_needs_is_ignored(tmp_path):
    small = Small(tmp_path, "shop")
    contract = small.code / "dlt_sources/shop/contract.py"
    deliver(small, "1.csv", "id,name,more", "1,one,x")
    assert "does not declare: more" in small.run("run", "shop").stdout
    assert "ignores = ('more',)" in small.run("drift").stdout
    contract.write_text(contract.read_text() + "    ignores = ('more',)\n")
    deliver(small, "2.csv", "id,name,more", "2,two,x")
    small.run("run", "shop")
    assert small.status()["drift"] == []


def test_a_table_of_which_every_row_is_rejected_is_never_ok(tmp_path):
    small = Small(tmp_path, "shop", "other")
    small.declare("shop", max_rejected={"share": 1.0, "rows": 1_000_000})
    small.deliver("shop", "1.csv", "1,one", "2,two")
    small.deliver("other", "1.csv", "1,one")
    small.run("run", "shop", "other")
    small.deliver("shop", "2.csv", "0,zero", "-1,minus")
    for _ in range(2):  # until it is corrected
        failed = small.run("run", "shop", code=1)
        assert "every row was rejected" in failed.stderr and "runner.py rejected shop" in failed.stderr
        assert small.gold("shop") == [(1, "one"), (2, "two")]
    small.deliver("shop", "3.csv", "0,zero", "3,three")
    small.run("run", "shop")
    assert small.gold("shop") == [(1, "one"), (2, "two"), (3, "three")]
