"""Files that count no longer: withdrawn, gone in mode replace, or replaced by another format of their month."""

import shutil

import pytest

from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import DeclarationError, SourceError, count_rejected, land, refine, withdraw
from soda_checks.limits import rejected_rows
from tests.dlt_sources.shop import HEAD, parquet, query, refined, run, source_of, staged

MODES = ["append", "replace", "upsert"]


def deliver(shop, here, inbox, **files):
    for name, text in files.items():
        (inbox / f"{name}.csv").write_text(HEAD + text)
        run(shop, here)


def silver(here):
    """What any reader of silver sees: the rows of every load, file, id and name."""
    from dlt_sources._steps.silver.catalog import catalog

    found = catalog(here).load_table("shop.things").scan().to_arrow().select(["file", "id", "name"])
    return sorted(map(tuple, (row.values() for row in found.to_pylist())))


def rebuilt(shop, here, columns):
    """Staging after a replay of everything, and after it was lost."""
    refine(shop, here, since="0")
    again = staged(here, columns)
    here.warehouse.unlink()
    refine(shop, here)
    return [again, staged(here, columns)]


@pytest.mark.few(1)
@pytest.mark.parametrize("mode", MODES)
def test_a_withdrawn_file_leaves_staging_and_silver_for_good(tmp_path, here, inbox, mode):
    shop = source_of(tmp_path, inbox, mode=mode)
    deliver(shop, here, inbox, a="1,a\n2,b\n", b="3,c\n", c="4,wrong\n5,wrong\n")
    kept = [("a.csv", 1, "a"), ("a.csv", 2, "b"), ("b.csv", 3, "c")]
    assert withdraw(shop, "c.csv", here) == ["things"]
    done = refine(shop, here)
    assert not done.accepted["things"] and not done.rejected["things"]
    assert staged(here, "file, id, name") == silver(here) == kept
    assert withdraw(shop, "c.csv", here) == []
    assert land(shop, here) == {}  # it still lies there
    assert rebuilt(shop, here, "file, id, name") == [kept, kept] and silver(here) == kept
    assert query(here, "SELECT count(*) FROM stg_shop._rejected") == [(0,)]


def counted(here):
    """(landed, accepted, rejected) of all loads, and the names of the rejected rows."""
    [counts] = query(here, "SELECT sum(landed), sum(accepted), sum(rejected) FROM stg_shop._loads")
    names = query(here, "SELECT raw->>'name' FROM stg_shop._rejected ORDER BY 1")
    return tuple(map(int, counts)), [name for (name,) in names]


@pytest.mark.few(1)
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_rejected_rows_of_a_withdrawn_file_leave_and_count_no_longer(tmp_path, here, inbox, mode, together):
    shop = source_of(tmp_path, inbox, mode=mode, max_rejected={"share": 0.1, "rows": 0})
    for name, rows in (("a", "1,a\n0,odd a\n"), ("b", "3,b\n0,odd b\n-1,odd b too\n"), ("c", "4,c\n")):
        (inbox / f"{name}.csv").write_text(HEAD + rows)
        if not together:
            run(shop, here)
    refined(shop, here) if not together else run(shop, here)
    assert counted(here) == ((6, 3, 3), ["odd a", "odd b", "odd b too"])
    withdraw(shop, "b.csv", here)
    refine(shop, here)
    kept = ((3, 2, 1), ["odd a"])
    assert counted(here) == kept and staged(here) == [(1, "a"), (4, "c")]
    refine(shop, here, since=Landing("shop", here).loads()[-1])  # once more: nothing is taken away twice
    assert counted(here) == kept
    rebuilt(shop, here, "id, name")
    assert counted(here) == kept
    withdraw(shop, "a.csv", here)
    refine(shop, here)
    assert counted(here) == ((1, 1, 0), [])
    [limit] = rejected_rows("shop", count_rejected(shop, None, here), here)
    assert (limit.outcome, limit.measured) == ("passed", 0)
    (inbox / "b.csv").write_text(HEAD + "0,odd again\n")
    run(shop, here)
    assert counted(here) == ((2, 1, 1), ["odd again"])


def test_all_that_a_file_ever_delivered_leaves_with_it(tmp_path, here, inbox):
    for mode in MODES:
        shutil.rmtree(here.data_dir, ignore_errors=True)
        shop = source_of(tmp_path, inbox, mode=mode)
        for rows in ("0,first\n", "0,second\n1,a\n"):
            (inbox / "a.csv").write_text(HEAD + rows)
            (inbox / "b.csv").write_text(HEAD + "2,b\n")
            run(shop, here)
        withdraw(shop, "a.csv", here)
        refine(shop, here)
        assert counted(here) == ((1, 1, 0), [])


@pytest.mark.few(1)
@pytest.mark.parametrize("mode", MODES)
def test_a_withdrawn_file_counts_again_when_it_comes_with_other_content(tmp_path, here, inbox, mode):
    shop = source_of(tmp_path, inbox, mode=mode)
    deliver(shop, here, inbox, a="1,a\n", b="2,wrong\n3,too many\n")
    withdraw(shop, "b.csv", here)
    deliver(shop, here, inbox, b="2,right\n")
    kept = [("a.csv", 1, "a"), ("b.csv", 2, "right")]
    assert staged(here, "file, id, name") == silver(here) == kept
    assert rebuilt(shop, here, "file, id, name") == [kept, kept]
    assert withdraw(shop, "b.csv", here) == ["things"]
    refine(shop, here)
    assert staged(here, "file, id, name") == silver(here) == kept[:1]


def test_the_rows_that_a_withdrawn_file_replaced_come_back(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox, mode="upsert")
    deliver(shop, here, inbox, a="1,first\n2,first\n3,first\n", b="1,second\n2,second\n4,second\n", c="2,third\n")
    withdraw(shop, "b.csv", here)
    refine(shop, here)
    expected = [(1, "first"), (2, "third"), (3, "first")]
    assert staged(here) == expected and rebuilt(shop, here, "id, name") == [expected, expected]
    withdraw(shop, "c.csv", here)
    deliver(shop, here, inbox, d="3,fourth\n")
    expected = [(1, "first"), (2, "first"), (3, "fourth")]
    assert staged(here) == expected and rebuilt(shop, here, "id, name") == [expected, expected]


@pytest.mark.parametrize("mode", MODES)
def test_withdrawing_before_the_file_was_refined_and_all_in_one_go(tmp_path, here, inbox, mode):
    shop = source_of(tmp_path, inbox, mode=mode)
    for name in ("a", "b"):
        (inbox / f"{name}.csv").write_text(HEAD + f"{ord(name)},{name}\n")
        land(shop, here)
    withdraw(shop, "a.csv", here)
    refined(shop, here)
    assert staged(here) == [(98, "b")]


def test_withdrawing_the_only_file_leaves_an_empty_table(tmp_path, here, inbox):
    for mode in MODES:
        shutil.rmtree(here.data_dir, ignore_errors=True)
        shop = source_of(tmp_path, inbox, mode=mode)
        deliver(shop, here, inbox, a="1,a\n")
        withdraw(shop, "a.csv", here)
        refine(shop, here)
        assert staged(here) == silver(here) == []


def test_a_file_that_is_not_known_is_an_error_that_names_those_that_are(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    with pytest.raises(DeclarationError, match="it has landed no file at all"):
        withdraw(shop, "a.csv", here)
    deliver(shop, here, inbox, orders_2024="1,a\n", other="2,b\n")
    with pytest.raises(
        DeclarationError, match=r"no file 'orders_2042\.csv' has landed; 2 are known, such as orders_2024\.csv"
    ):
        withdraw(shop, "orders_2042.csv", here)


def test_in_mode_replace_the_files_that_are_there_are_the_table(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox, mode="replace")
    deliver(shop, here, inbox, a="1,a\n2,b\n", b="3,c\n", c="4,d\n")
    (inbox / "b.csv").unlink()
    (inbox / "a.csv").write_text(HEAD + "1,corrected\n")
    run(shop, here)
    expected = [("a.csv", 1, "corrected"), ("c.csv", 4, "d")]
    assert staged(here, "file, id, name") == expected and rebuilt(shop, here, "file, id, name") == [expected, expected]
    loads = Landing("shop", here).loads()
    assert land(shop, here) == {} and Landing("shop", here).loads()[:-1] in (loads, loads[:-1])
    (inbox / "b.csv").write_text(HEAD + "3,c\n")  # the same content once more
    run(shop, here)
    assert staged(here) == [(1, "corrected"), (3, "c"), (4, "d")]


def test_an_empty_folder_does_not_empty_the_table(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox, mode="replace")
    deliver(shop, here, inbox, a="1,a\n", b="2,b\n", c="3,c\n")
    for name in "abc":
        (inbox / f"{name}.csv").unlink()
    with pytest.raises(SourceError, match=r"0 files where 3 were, without a\.csv; .*shrink_floor"):
        land(shop, here)
    refined(shop, here)
    assert len(staged(here)) == 3


MONTHLY = {"files": ["t_{month}.csv", "t_{month}.parquet", "t_{month}.csv.gz"], "start": "2020-02-01"}
CSV, PARQUET = b"id,name\n1,csv\n", parquet(id=[1], name=["parquet"])


@pytest.mark.few(2)
@pytest.mark.parametrize("where", ["folder", "http"])
@pytest.mark.parametrize("order", [("csv", "parquet"), ("parquet", "csv"), ("both",)])
def test_of_a_month_that_comes_in_two_formats_one_file_counts(tmp_path, here, inbox, site, where, order):
    shop = source_of(tmp_path, inbox if where == "folder" else site.url, **MONTHLY)
    notes: list[str] = []
    for step in order:
        for kind, body in (("csv", CSV), ("parquet", PARQUET)):
            if step in (kind, "both"):
                (inbox / f"t_2020-02.{kind}").write_bytes(body)
                site.files[f"t_2020-02.{kind}"] = body
        land(shop, here, notes=notes)
        refined(shop, here)
    assert staged(here) == [(1, "parquet")]
    if where == "folder" or order[0] == "csv":
        assert any("t_2020-02.csv" in note and "t_2020-02.parquet" in note for note in notes)
    notes.clear()
    assert land(shop, here, notes=notes) == {}
    assert len(notes) == (where == "folder")  # over HTTP the other one was not asked for, and may not exist
    assert rebuilt(shop, here, "id, name") == [[(1, "parquet")]] * 2


def test_files_of_other_months_and_names_all_count(tmp_path, here, inbox):
    shop = source_of(
        tmp_path,
        inbox,
        files=["t_{month}.csv", "t_{month}.parquet", "u_{month}.csv", "x.csv", "x.txt"],
        start="2020-02-01",
    )
    for number, name in enumerate(("t_2020-02.csv", "t_2020-03.csv", "u_2020-02.csv", "x.csv", "x.txt"), 1):
        (inbox / name).write_text(f"id,name\n{number},a\n")
    assert run(shop, here) == (5, 5, 0)


def test_a_named_csv_of_a_month_that_is_known_as_parquet_is_ignored(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox, **MONTHLY)
    (inbox / "t_2020-02.parquet").write_bytes(PARQUET)
    run(shop, here)
    (inbox / "t_2020-02.csv").write_bytes(CSV)
    notes: list[str] = []
    assert land(shop, here, files=["t_2020-02.csv"], notes=notes) == {}
    assert "t_2020-02.csv is ignored: t_2020-02.parquet" in notes[0]
