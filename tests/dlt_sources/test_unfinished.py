"""What was begun with sources and not finished is found by looking alone: changes that wait, what nobody declares, rebuilds."""

import pytest

import settings as configuration
from dlt_sources._steps.declared.declaration import Declared
from dlt_sources._steps.staging.stage import Staging
from dlt_sources.door import ContractChangedError, find_unfinished
from runtime import doctor
from tests.dlt_sources.test_contract_changes import CHANGES, Change, Shop
from warehouse.connection import connect


@pytest.fixture
def shop(tmp_path, here: configuration.Settings) -> Shop:
    shop = Shop(tmp_path, here)
    Staging.open(shop.source, here)
    return shop


def declared(*shops: Shop) -> Declared:
    found = Declared()
    found.update({shop.source.name: shop.source for shop in shops})
    return found


def found(shop: Shop, sources: Declared):
    """What is found, after making sure that looking changes nothing."""
    query = "SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL"
    with connect(shop.settings) as con:
        before = con.execute(query).fetchall()
        unfinished = find_unfinished(sources, con)
        assert con.execute(query).fetchall() == before
    return {(one.source, one.what): one.text for one in unfinished}


def execute(shop: Shop, *statements: str) -> None:
    with connect(shop.settings) as con:
        for statement in statements:
            con.execute(statement)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_a_contract_is_named_where_it_waits(shop: Shop, change: Change) -> None:
    shop.declare(change)
    sources = declared(shop)
    text = found(shop, sources).get(("shop", "contract"), "")
    assert bool(text) == bool(change.waits) and change.waits in text
    if not text:
        assert doctor._contracts(sources, shop.settings) == "1 sources"
        return
    assert "run `python runner.py rebuild shop`" in text
    with pytest.raises(ContractChangedError, match="rebuild shop"):
        doctor._contracts(sources, shop.settings)


@pytest.mark.parametrize("name", ["goods", "Old Orders", 'a "table"'])
def test_a_table_that_is_not_declared_any_more(shop: Shop, name: str) -> None:
    quoted = name.replace('"', '""')
    execute(shop, f'CREATE TABLE stg_shop."{quoted}" (id BIGINT)')
    [(what, text)] = found(shop, declared(shop)).items()
    assert what == ("shop", "table") and f"shop.{name} is not declared any more" in text
    assert "`python runner.py rebuild shop` removes it" in text
    assert doctor._left(declared(shop), shop.settings) == text


@pytest.mark.parametrize("broken", [False, True])
def test_a_source_that_is_not_declared_any_more(shop: Shop, broken: bool) -> None:
    execute(shop, "CREATE SCHEMA stg_ops", "CREATE TABLE stg_ops._state (name VARCHAR)")  # no source has this name
    sources = Declared()
    assert found(shop, sources) == {}  # it has empty tables alone: it never ran
    execute(shop, "INSERT INTO stg_shop._loads (table_name, load_id) VALUES ('things', '1.0')")
    if broken:  # it is declared, if wrongly
        sources.broken["shop"] = "line 1"
        assert found(shop, sources) == {}
    else:
        [(what, text)] = found(shop, sources).items()
        assert what == ("shop", "source") and "its rows stay in stg_shop" in text and "runner.py plan" in text


def test_a_rebuild_that_was_cut_short(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    Staging.open(shop.source, shop.settings, aside=True)
    text = "a rebuild of shop was cut short; `python runner.py rebuild shop` goes on"
    assert found(shop, declared(shop)) == {("shop", "rebuild"): text}
    assert doctor._left(declared(shop), shop.settings) == text
    monkeypatch.setattr("foundation.lock.is_held", lambda settings: True)  # it is in progress
    looked = doctor._unless_busy(lambda: doctor._left(declared(shop), shop.settings))
    assert looked == "not looked at: a run is in progress"


def test_nothing_is_made_where_there_is_no_warehouse(tmp_path, here: configuration.Settings) -> None:
    shop = Shop(tmp_path, here)
    assert doctor._contracts(declared(shop), here) == "1 sources" and doctor._left(declared(shop), here) == "nothing"
    assert not here.warehouse.exists()


def test_all_sources_cost_two_questions(shop: Shop) -> None:
    asked = []
    with connect(shop.settings) as con:

        class Spy:
            def execute(self, query, *values):
                asked.append(query)
                return con.execute(query, *values)

        find_unfinished(declared(shop), Spy())
    assert len(asked) == 2
