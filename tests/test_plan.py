"""`plan --preview` shows what edited models would change and changes nothing; `plan --restate` rebuilds a model."""

import duckdb
import pytest

import settings as configuration
from foundation.lock import one_at_a_time
from tests.small import Kept, Small

pytestmark = pytest.mark.slow
MODEL = "sqlmesh_project/models/shop_gold/things_now.sql"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    small = Small(tmp_path_factory.mktemp("plan") / "project", "shop", "other")
    small.deliver("shop", "a.csv", "1,ann", "2,bob", "3,cleo")
    small.deliver("other", "a.csv", "1,x")
    small.run("run")
    return Kept(small)


@pytest.fixture
def small(kept):
    """Two sources that have run."""
    return kept.put_back()


def edit(small, old, new):
    path = small.code / MODEL
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_preview_shows_columns_and_rows_and_changes_nothing(small, monkeypatch):
    assert "none changes" in small.run("plan", "--preview").stdout
    edit(small, "FROM stg_shop.things AS t", "FROM stg_shop.things AS t\nWHERE t.id > 1")
    edit(small, "'Its name')", "'Its name', size = 'Letters of its name')")
    edit(small, "AS name\n", "AS name,\n  length(t.name)::BIGINT AS size\n")
    before = small.gold("shop")
    shown = small.run("plan", "--preview").stdout
    assert "1 edited, 0 added, 0 removed, 0 follow" in shown and "**shop_gold.things_now**: breaking" in shown
    assert "column `size` BIGINT is added" in shown
    assert "rows: 3 before, 2 after; 1 gone, 0 new, 0 changed, 2 equal" in shown, shown
    assert small.gold("shop") == before
    assert small.query("SELECT count(*) FROM shop_gold.things_now", "warehouse.duckdb") == [(3,)]
    assert small.status()["pending_models"] == ["shop_gold.things_now"]
    assert "published shop_gold" in small.run("plan").stdout
    assert small.gold("shop") == [(2, "bob"), (3, "cleo")]
    assert "none changes" in small.run("plan", "--preview").stdout


def test_a_preview_of_a_model_that_does_not_build_says_why(small):
    edit(small, "FROM stg_shop.things AS t", "FROM stg_shop.nothing AS t")
    shown = small.run("plan", "--preview", code=2)
    assert "nothing" in shown.stderr and "Traceback" not in shown.stderr, shown.stderr


def test_a_preview_beside_a_run_waits_or_says_so(small, monkeypatch):
    for name, value in small.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("ELT_SHOP_FILES", "ELT_OTHER_FILES"):
        monkeypatch.delenv(name)
    with one_at_a_time(configuration.load()):
        assert "another run" in small.run("plan", "--preview", code=5).stderr


def test_a_model_that_holds_something_else_than_it_says_is_rebuilt(small):
    before = small.gold("shop")
    with duckdb.connect(str(small.data / "warehouse.duckdb")) as con:  # somebody's hand, or a macro that was wrong
        [(table,)] = con.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'sqlmesh__shop_gold'"
            " AND table_type = 'BASE TABLE'"
        ).fetchall()
        con.execute(f'DELETE FROM sqlmesh__shop_gold."{table}" WHERE id = 2')
    small.deliver("shop", "b.csv", "4,dora")
    done = small.run("plan", "--restate", "shop_gold.things_now")
    assert "restate" in done.stdout and "published shop_gold" in done.stdout, done.stdout
    assert small.gold("shop") == before  # what has not landed is not read by a plan
    assert small.gold("other") == [(1, "x")]


def test_a_model_that_prod_does_not_have_is_refused_with_those_it_has(small):
    refused = small.run("plan", "--restate", "shop_gold.thing_now", code=2)
    assert "prod has no model shop_gold.thing_now; it has other_gold.things_now, shop_gold.things_now" in refused.stderr
