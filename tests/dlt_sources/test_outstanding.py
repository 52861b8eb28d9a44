"""The limit counts rows whose newest version is rejected: a source that has been corrected is within it again."""

import json

import pytest
import yaml

from dlt_sources.door import count_rejected, land, load_sources, refine, withdraw
from tests.dlt_sources.shop import HEAD, run, source_of

GOOD = "".join(f"{n},x\n" for n in range(1, 101))
FEW = {"max_rejected": {"share": 0.05, "rows": 2}}

CONTRACT = """
from dlt_sources._steps.contracts.contract import Contract, checked_only, column
class Thing(Contract):
    id: int = column("id", ge=1{pii})
    name: str = column("name", max_length=5)
    items: list | None = checked_only("its elements", default=None)
class Item(Contract):
    id: int = column("its record", path="_parent.id"{pii})
    place: int = column("its place", path="_index")
    sku: str = column("what", max_length=5)
"""
EXTRACT = """
import json
from pathlib import Path
def things(request, values):
    yield from json.loads(Path(values["rows"]).read_text())
"""


def count(shop, here, table="things", since=None):
    """(rejected rows, all rows, whether they are too many)."""
    found = count_rejected(shop, since, here)[table]
    return found.rejected, found.rows, found.exceeds


class Records:
    """A source whose records are what the test says."""

    def __init__(self, folder, here, *, pii="", **table):
        self.here, self.rows = here, folder / "rows.json"
        shop = folder / "sources" / "shop"
        shop.mkdir(parents=True)
        tables = {"things": {"contract": "Thing", "key": ["id"], **FEW, **table}}
        tables["items"] = {
            "contract": "Item",
            "key": ["id", "place"],
            "from": "things",
            "explode": "items",
            "parent_key": ["id"],
            **FEW,
        }
        content = {
            "description": "x",
            "owner": "me",
            "schedule": "@daily",
            "connector": "python",
            "connection": {"values": {"rows": str(self.rows)}},
            "tables": tables,
        }
        (shop / "source.yml").write_text(yaml.safe_dump(content))
        (shop / "contract.py").write_text(CONTRACT.format(pii=pii))
        (shop / "extract.py").write_text(EXTRACT)
        self.shop = load_sources(folder / "sources")["shop"]

    def send(self, *rows):
        self.rows.write_text(json.dumps(rows))
        land(self.shop, self.here)
        refine(self.shop, self.here)

    def count(self, table="things"):
        return count(self.shop, self.here, table)


def thing(number, name="x", **more):
    return {"id": number, "name": name, **more}


def wrong(*numbers):
    return [thing(n, "much too long") for n in numbers]


MANY = [thing(n) for n in range(1, 41)]
KEYS = {"clear": "", "hashed": ', pii="hash"'}


@pytest.mark.parametrize("pii", KEYS.values(), ids=KEYS)
def test_a_row_that_came_again_and_was_accepted_does_not_count(tmp_path, here, pii):
    source = Records(tmp_path, here, pii=pii)
    source.send(*MANY, *wrong(50, 51, 52))
    assert source.count() == (3, 43, True)
    source.send(*MANY, thing(50), *wrong(51, 52))
    assert source.count() == (2, 43, False)
    source.send(*MANY, thing(50), thing(51), thing(52))
    assert source.count()[0] <= 2 and not source.count()[2]


@pytest.mark.parametrize("pii", KEYS.values(), ids=KEYS)
def test_a_row_that_is_rejected_again_and_again_counts_once(tmp_path, here, pii):
    source = Records(tmp_path, here, pii=pii, skip_if_unchanged=False)
    for _ in range(3):
        source.send(*MANY[:20], *wrong(50, 51, 52))
        assert source.count() == (3, 23, True)


def test_rows_that_are_read_again_do_not_hide_those_that_are_rejected(tmp_path, here):
    source = Records(tmp_path, here, skip_if_unchanged=False, max_rejected={"share": 0.05, "rows": 2})
    for _ in range(4):
        source.send(*MANY, *wrong(50, 51, 52))
    assert source.count() == (3, 43, True)


def test_a_table_of_which_no_row_is_right_is_never_within_its_limit(tmp_path, here):
    source = Records(tmp_path, here, max_rejected={"share": 1, "rows": 1000})
    source.send(*wrong(1, 2))
    assert source.count() == (2, 2, True)
    source.send(*wrong(1), thing(2))
    assert not source.count()[2]


def test_a_right_row_that_becomes_wrong_counts(tmp_path, here):
    source = Records(tmp_path, here)
    source.send(*MANY)
    assert source.count() == (0, 40, False)
    source.send(*wrong(1, 2, 3), *MANY[3:])
    assert source.count() == (3, 40, True)


BAD_KEYS = {"missing": {"name": "x"}, "of another kind": thing("one"), "too small": thing(0), "not a record": 7}


@pytest.mark.parametrize(
    "row", [row for name, row in BAD_KEYS.items() if name != "not a record"], ids=list(BAD_KEYS)[:3]
)
def test_a_row_whose_key_cannot_be_read_counts_until_the_source_has_sent_it_again(tmp_path, here, row):
    source = Records(tmp_path, here)
    source.send(*MANY, *({**row, "name": f"n{n}"} for n in range(4)))
    assert source.count() == (4, 44, True)
    source.send(*MANY, thing(60))
    assert source.count() == (0, 41, False)


def test_a_row_that_the_source_has_removed_does_not_count(tmp_path, here):
    source = Records(tmp_path, here, deletes="reconcile")
    source.send(*MANY, *wrong(50, 51, 52))
    assert source.count()[2]
    source.send(*MANY)
    assert source.count() == (0, 40, False)


def test_elements_whose_record_came_again_do_not_count(tmp_path, here):
    source = Records(tmp_path, here)
    right, faulty = [{"sku": "a"}] * 5, [{"sku": "much too long"}] * 5
    source.send(thing(1, items=right), thing(2, items=faulty))
    assert source.count("items") == (5, 10, True)
    source.send(thing(1, items=right), thing(2, items=[]))  # the record has none of them any more
    assert source.count("items") == (0, 5, False)


@pytest.mark.parametrize("odd", [7, "x", {"0": {"sku": "a"}}])
def test_a_list_that_is_none_counts_and_stops_nothing(tmp_path, here, odd):
    source = Records(tmp_path, here)
    source.send(thing(1, items=[{"sku": "a"}] * 5), *(thing(n, items=odd) for n in (2, 3, 4)))
    assert source.count("items") == (3, 8, True)


MODES = ["append", "replace", "upsert"]


@pytest.mark.few(4)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "corrected", [GOOD + "101,a\n102,b\n103,c\n", GOOD], ids=["every row corrected", "the wrong rows left out"]
)
@pytest.mark.parametrize("faulty", [GOOD + "0,a\n-1,b\n-2,c\n", GOOD + "x,a\ny,b\n,c\n"], ids=["range", "kind"])
def test_a_file_that_is_delivered_corrected_releases_its_source(tmp_path, here, inbox, mode, corrected, faulty):
    few = {"max_rejected": {"share": 0.01, "rows": 2}}
    shop = source_of(tmp_path, inbox, mode=mode, **few)
    (inbox / "a.csv").write_text(HEAD + faulty)
    assert run(shop, here)[2] == 3
    assert count(shop, here) == (3, 103, True)
    (inbox / "a.csv").write_text(HEAD + corrected)
    run(shop, here)
    assert count(shop, here)[::2] == (0, False)


@pytest.mark.parametrize("mode", MODES)
def test_another_file_does_not_release_it(tmp_path, here, inbox, mode):
    shop = source_of(tmp_path, inbox, mode=mode, **FEW)
    (inbox / "a.csv").write_text(HEAD + "1,a\n" + "".join(f"{n},x,too many\n" for n in range(2, 9)))
    run(shop, here)
    before = count(shop, here)
    (inbox / "b.csv").write_text(HEAD + "9,b\n")
    run(shop, here)
    assert before[2] and before[0] == 7


@pytest.mark.parametrize("mode", MODES)
def test_a_file_that_is_withdrawn_releases_its_source(tmp_path, here, inbox, mode):
    shop = source_of(tmp_path, inbox, mode=mode, **FEW)
    (inbox / "a.csv").write_text(HEAD + GOOD)
    run(shop, here)
    (inbox / "b.csv").write_text(HEAD + "".join(f"{-n},x\n" for n in range(20)))
    run(shop, here)
    assert count(shop, here)[::2] == (20, True)
    withdraw(shop, "b.csv", here)
    refine(shop, here)
    assert not count(shop, here)[2]


def test_rows_whose_raw_form_is_gone_count_as_those_without_a_key(tmp_path, here):
    source = Records(tmp_path, here)
    source.send(*MANY, *wrong(50, 51, 52))
    for path in (here.data / "lake" / "landing" / "shop" / "things").glob("*.parquet"):
        path.unlink()
    assert source.count() == (3, 43, True)
    source.send(*MANY, thing(60))
    assert not source.count()[2]


def test_what_was_published_is_not_counted_again(tmp_path, here):
    source = Records(tmp_path, here)
    source.send(*MANY, *wrong(50, 51, 52))
    from dlt_sources._steps.staging.stage import Staging

    published = Staging.open(source.shop, here).refine_id
    source.send(*MANY, *wrong(50, 51, 52), thing(70))
    assert count(source.shop, here, since=published)[::2] == (0, False)
