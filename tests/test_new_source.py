"""The first minutes of a source: `new`, `test`, `run`, rows in staging; in a checkout of its own, as a user types it."""

import json

import pytest

from tests.security.hostile import Server
from tests.test_own_source import Shop

pytestmark = pytest.mark.slow
ORDERS = [
    {
        "id": n,
        "order": n % 3,
        "email": f"p{n}@example.org",
        "group": {"select": "x", "at": f"2026-01-{n:02}T10:00:00Z"},
        "lines": [{"sku": "a", "qty": n}],
    }
    for n in range(1, 29)
]


@pytest.fixture
def api():
    def answer(path, headers):
        return 200, {"content-type": "application/json"}, json.dumps({"data": ORDERS}).encode()

    with Server(answer).serve() as server:
        yield server


def test_new_then_test_then_run_brings_rows_to_staging(api, tmp_path):
    own = Shop(tmp_path)
    (own.drop / "sales_1.csv").write_text(
        "No;Betrag;Tag\n" + "".join(f"{n};{n},50;{n:02}.01.2026\n" for n in range(1, 29))
    )
    own.runner("new", "web", "--from", f"{api.url}/orders", "--dry-run")
    assert not (own.root / "dlt_sources" / "web").exists()
    said = own.runner("new", "web", "--from", f"{api.url}/orders")
    assert "wrote: dlt_sources/web/source.yml" in said and "wrote: docs/reference/web.md" in said
    assert "28 of 28 rows accepted" in said and "python runner.py run web" in said
    own.runner("new", "files", "--from", f"{own.drop}/sales_*.csv")
    taken = own.runner("new", "web", "--from", f"{api.url}/orders", "--json", code=2)
    assert taken == ""
    tried = own.runner("test", "web", "--rows", "2")
    assert "28 accepted, 0 rejected" in tried and "(hashed)" in tried and "@example.org" not in tried
    assert not (own.data / "lake" / "landing" / "web").exists()
    trial = json.loads(own.runner("test", "files", "--json"))
    assert (trial["tables"][0]["accepted"], len(trial["tables"][0]["rows"])) == (28, 10)
    own.runner("run", "web", "files")
    assert own.query('SELECT count(*), min("select") FROM stg_web.orders') == [(28, "x")]
    assert own.query("SELECT sum(qty) FROM stg_web.order_lines") == [(sum(range(1, 29)),)]
    assert [float(total) for (total,) in own.query("SELECT sum(betrag) FROM stg_files.sales")] == [
        sum(range(1, 29)) + 14.0
    ]
    own("-m", "dlt_sources.derive", "--check")
