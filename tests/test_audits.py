"""A row that an audit of its model finds is not published, whatever kind of fault it has."""

import pytest

from tests.small import Small

pytestmark = pytest.mark.slow
AUDITS = """audits (
    UNIQUE_VALUES(columns := (id, name)),
    NOT_NULL(columns := (id, name)),
    ACCEPTED_RANGE("column" := id, min_v := 1, max_v := 100, inclusive := TRUE),
    ACCEPTED_VALUES("column" := name, is_in := ('one', 'two', 'three', 'four', 'five'))
  )"""


@pytest.fixture
def small(tmp_path):
    """A source that has run, whose model has an audit of every kind, and no Soda check."""
    small = Small(tmp_path, "shop")
    path = small.code / "sqlmesh_project/models/shop_gold/things_now.sql"
    text = path.read_text().replace("audits (UNIQUE_VALUES(columns := (id)), NOT_NULL(columns := (id, name)))", AUDITS)
    path.write_text(text.replace("t.name::VARCHAR(80) AS name", "NULLIF(t.name, 'none')::VARCHAR(80) AS name"))
    assert "ACCEPTED_RANGE" in path.read_text() and "NULLIF" in path.read_text()
    small.deliver("shop", "1.csv", "1,one", "2,two")
    small.run("run", "shop")
    return small


def test_a_broken_row_of_each_kind_keeps_the_published_data_until_it_is_corrected(small):
    assert not list((small.code / "soda_checks/gold").glob("*/*.yml"))
    before = [(1, "one"), (2, "two")]
    for number, (audit, broken, corrected) in enumerate(
        [
            ("not_null", "3,none", "3,three"),
            ("unique_values", "4,one", "4,four"),
            ("accepted_values", "2,other", "2,two"),
            ("accepted_range", "101,five", ""),
        ]
    ):
        small.deliver("shop", f"{number}-broken.csv", broken)
        failed = small.run("run", "shop", code=1)
        assert f"shop_gold.things_now: audit {audit} found" in failed.stderr, failed.stdout + failed.stderr
        assert small.gold("shop") == before
        if corrected:
            small.deliver("shop", f"{number}-corrected.csv", corrected)
            small.run("run", "shop")
            key, name = corrected.split(",")
            before = sorted({**dict(before), int(key): name}.items())
            assert small.gold("shop") == before
