"""Files against a real folder and a real HTTP server: new, touched, changed, published again, renamed."""

import os
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import DeclarationError, SourceError, land, reach, refine
from tests.dlt_sources.shop import HEAD, parquet, query, refined, run, source_of, staged


def touch(path):
    os.utime(path, ns=(path.stat().st_mtime_ns + 10**9,) * 2)


def test_a_file_lands_once_and_touching_it_changes_nothing(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    (inbox / "a.csv").write_text(HEAD + "1,a\n2,b\n")
    assert run(shop, here) == (2, 2, 0)
    assert land(shop, here) == {}
    touch(inbox / "a.csv")
    assert land(shop, here) == {}
    (inbox / "b.csv").write_text(HEAD + "3,c\n")
    assert run(shop, here) == (1, 1, 0)
    assert staged(here, "file, id") == [("a.csv", 1), ("a.csv", 2), ("b.csv", 3)]


def test_a_changed_file_replaces_its_own_rows_when_they_are_appended(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    (inbox / "a.csv").write_text(HEAD + "1,a\n2,b\n3,c\n")
    (inbox / "b.csv").write_text(HEAD + "1,other file\n")
    run(shop, here)
    (inbox / "a.csv").write_text(HEAD + "1,corrected\n3,c\n")
    assert land(shop, here) == {"things": 2}
    (inbox / "a.csv").write_text(HEAD + "1,corrected again\n")  # two versions refined in one go: the newer counts
    assert land(shop, here) == {"things": 1}
    assert refined(shop, here) == (3, 0)
    assert staged(here) == [(1, "corrected again"), (1, "other file")]


def test_a_changed_file_upserts_by_key_and_the_later_file_wins(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox, mode="upsert")
    (inbox / "1.csv").write_text(HEAD + "1,a\n2,b\n")
    (inbox / "2.csv").write_text(HEAD + "2,from the later file\n")
    assert run(shop, here) == (3, 3, 0)
    assert staged(here) == [(1, "a"), (2, "from the later file")]
    (inbox / "1.csv").write_text(HEAD + "1,corrected\n")
    assert run(shop, here) == (1, 1, 0)
    assert staged(here) == [(1, "corrected"), (2, "from the later file")]


def test_a_file_that_has_no_rows_any_more_takes_its_rows_with_it(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    (inbox / "a.csv").write_text(HEAD + "1,a\n")
    run(shop, here)
    (inbox / "a.csv").write_text(HEAD)
    run(shop, here)
    assert staged(here) == []


def test_a_file_whose_new_version_is_all_rejected_takes_its_rows_with_it(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    (inbox / "a.csv").write_text(HEAD + "1,a\n")
    run(shop, here)
    (inbox / "a.csv").write_text(HEAD + "-1,a\n")
    assert run(shop, here) == (1, 0, 1)
    assert staged(here) == []


def test_two_files_of_the_same_content_are_two_files(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    for name in ("a.csv", "b.csv"):
        (inbox / name).write_text(HEAD + "1,a\n")
    assert run(shop, here) == (2, 2, 0)
    assert staged(here, "file, id") == [("a.csv", 1), ("b.csv", 1)]


def test_replace_means_the_last_read_or_is_refused(tmp_path, here, inbox):
    try:
        shop = source_of(tmp_path, inbox, mode="replace")
    except DeclarationError:
        return
    (inbox / "a.csv").write_text(HEAD + "1,a\n2,b\n")
    run(shop, here)
    (inbox / "a.csv").write_text(HEAD + "1,a\n")
    run(shop, here)
    assert staged(here) == [(1, "a")]


def test_every_month_is_asked_for_and_landed_when_it_is_published(tmp_path, here, site):
    shop = source_of(tmp_path, site.url, files="t_{month}.csv", start="2019-12-01")
    site.files = {"t_2019-12.csv": b"id,name\n1,dec\n", "t_2020-01.csv": b"id,name\n2,jan\n3,x\n", "t_2020-02.csv": 403}
    assert run(shop, here) == (3, 3, 0)
    assert site.asked() == [
        ("t_2019-12.csv", 200),
        ("t_2020-01.csv", 200),
        ("t_2020-02.csv", 403),
        ("t_2020-03.csv", 404),
    ]
    site.files |= {"t_2020-01.csv": b"id,name\n2,corrected\n", "t_2020-02.csv": b"id,name\n4,feb\n"}
    assert run(shop, here) == (2, 2, 0)
    assert [status for _, status in site.asked()] == [304, 200, 200, 404]
    assert staged(here) == [(1, "dec"), (2, "corrected"), (4, "feb")]
    assert land(shop, here) == {}
    assert [status for _, status in site.asked()] == [304, 304, 304, 404]


def test_a_backfill_asks_for_its_own_months(tmp_path, here, site):
    shop = source_of(tmp_path, site.url, files="t_{month}.csv", start="2020-03-01")
    site.files = {"t_2019-11.csv": b"id,name\n1,nov\n", "t_2020-03.csv": b"id,name\n2,mar\n"}
    assert land(shop, here, since=datetime(2019, 11, 1), until=datetime(2019, 12, 31)) == {"things": 1}
    assert site.asked() == [("t_2019-11.csv", 200), ("t_2019-12.csv", 404)]
    assert land(shop, here) == {"things": 1}
    assert site.asked() == [("t_2020-03.csv", 200)]


def test_without_etags_the_date_and_the_length_or_else_the_content_tell_what_is_new(tmp_path, here, site):
    shop = source_of(tmp_path, site.url, files="t_{month}.csv", start="2020-03-01")
    site.etags, name = False, "t_2020-03.csv"
    site.files[name], site.dates[name] = b"id,name\n1,a\n", {"last-modified": "Mon, 02 Mar 2020 00:00:00 GMT"}
    assert [land(shop, here), land(shop, here)] == [{"things": 1}, {}]
    site.dates[name] = {"last-modified": "Tue, 03 Mar 2020 00:00:00 GMT"}
    assert land(shop, here) == {}  # the same bytes
    site.files[name] = b"id,name\n1,a\n2,b\n"
    assert land(shop, here) == {"things": 2}


LATER = {"last-modified": "Tue, 03 Mar 2020 00:00:00 GMT"}
VALIDATORS = {  # what the server says of the first and of the second version
    "nothing": ({}, {}),
    "the same date": (LATER, LATER),
    "the same weak ETag": ({"etag": 'W/"1"'}, {"etag": 'W/"1"'}),
    "the same weak ETag and date": ({"etag": 'W/"1"', **LATER}, {"etag": 'W/"1"', **LATER}),
    "an ETag without quotes": ({"etag": "1"}, {"etag": "1"}),
    "an older date": (LATER, {"last-modified": "Mon, 02 Mar 2020 00:00:00 GMT"}),
    "another strong ETag": ({"etag": '"1"'}, {"etag": '"2"'}),
    "a strong ETag that went": ({"etag": '"1"'}, {}),
    "a strong ETag that came": ({}, {"etag": '"1"'}),
    "no ETag but a weak one": ({"etag": '"1"'}, {"etag": 'W/"1"'}),
    "an empty ETag": ({"etag": ""}, {"etag": ""}),
}


@pytest.mark.few(8)
@pytest.mark.parametrize("kind", VALIDATORS)
@pytest.mark.parametrize("body", [b"id,name\n1,b\n", b"id,name\n1,longer\n"])
def test_a_new_version_is_seen_whatever_the_server_says_of_it(tmp_path, here, site, kind, body):
    shop = source_of(tmp_path, site.url, files="t.csv")
    site.etags, name, (before, after) = False, "t.csv", VALIDATORS[kind]
    site.files[name], site.dates[name] = b"id,name\n1,a\n", before
    assert [land(shop, here), land(shop, here)] == [{"things": 1}, {}]
    site.files[name], site.dates[name] = body, after
    assert [land(shop, here), land(shop, here)] == [{"things": 1}, {}]
    refined(shop, here)
    assert staged(here) == [(1, body.decode().split(",")[-1].strip())]


def test_a_strong_etag_spares_the_download_also_of_a_server_that_ignores_conditions(tmp_path, here, site):
    shop = source_of(tmp_path, site.url, files="t.csv")
    site.etags, site.files["t.csv"], site.dates["t.csv"] = False, b"id,name\n1,a\n", {"etag": '"1"'}
    assert land(shop, here) == {"things": 1}
    site.files["t.csv"] = b"broken"  # is not looked at: the ETag says that it is the same
    assert land(shop, here) == {}


def test_a_file_in_a_folder_whose_time_and_length_stay_is_seen(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    path = inbox / "a.csv"
    for number in range(5):
        path.write_text(HEAD + f"1,{number}\n")
        os.utime(path, (10**9, 10**9))
        assert land(shop, here) == {"things": 1}
        assert land(shop, here) == {}


def test_a_table_may_have_files_of_several_names(tmp_path, here, site):
    shop = source_of(tmp_path, site.url, files=["t_{month}.parquet", "t_{month}.csv"], start="2020-02-01")
    site.files = {"t_2020-02.csv": b"id,name\n1,a\n", "t_2020-03.parquet": parquet(id=[2], name=["b"])}
    assert run(shop, here) == (2, 2, 0)
    assert staged(here) == [(1, "a"), (2, "b")]


def test_line_ends_may_be_mixed(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    (inbox / "a.csv").write_bytes(b"id,name\r\n1,a\r\n2,b\n3,c\r\n")
    assert run(shop, here) == (3, 3, 0)
    assert staged(here) == [(1, "a"), (2, "b"), (3, "c")]


def test_names_of_files_may_be_odd(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    names = sorted(
        ["a b.csv", "it's.csv", "ü.csv", "50%20.csv", "x#y.csv", "q?z.csv", "[x].csv", "A.CSV", 'say "hi".csv']
    )
    for name in names:
        (inbox / name).write_text(HEAD + f"1,{len(name)}\n" + f"2,{names.index(name)}\n")
    (inbox / "folder.csv").mkdir()
    assert run(shop, here)[1:] == (2 * len(names), 0)
    assert staged(here, "file, id") == [(name, number) for name in names for number in (1, 2)]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_in_trouble_is_a_clear_error_and_nothing_is_lost(tmp_path, here, site, status):
    shop = source_of(tmp_path, site.url, files="t_{month}.csv", start="2020-02-01")
    site.files = {"t_2020-02.csv": b"id,name\n1,a\n", "t_2020-03.csv": status}
    with pytest.raises(SourceError, match=rf"t_2020-03.csv answered {status}") as error:
        land(shop, here)
    assert error.value.exit_code == 3
    site.files["t_2020-03.csv"] = b"id,name\n2,b\n"
    land(shop, here)
    refined(shop, here)
    assert staged(here) == [(1, "a"), (2, "b")]


def test_a_body_cut_off_is_a_clear_error_and_comes_with_the_next_run(tmp_path, here, site):
    shop = source_of(tmp_path, site.url, files="t_{month}.csv", start="2020-03-01")
    site.files["t_2020-03.csv"], site.dates["t_2020-03.csv"] = b"id,name\n1,a\n", {"content-length": "99"}
    with pytest.raises(SourceError, match=r"shop|t_2020-03"):
        land(shop, here)
    assert Landing("shop", here).loads() == []
    site.dates.clear()
    assert land(shop, here) == {"things": 1}


def test_a_file_larger_than_it_may_be_is_refused(tmp_path, here, site):
    shop = source_of(tmp_path, site.url, {"max_megabytes": 0.001}, files="t_{month}.csv", start="2020-03-01")
    site.files["t_2020-03.csv"] = HEAD.encode() + b"1,a\n" * 1000
    with pytest.raises(SourceError, match=r"t_2020-03\.csv: more than 0\.001 MB.*max_megabytes"):
        land(shop, here)


def test_named_files_are_read_alone(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox, files="*.csv")
    for name in ("a", "b"):
        (inbox / f"{name}.csv").write_text(HEAD + f"1,{name}\n")
    assert land(shop, here, files=[f"{inbox}/b.csv"]) == {"things": 1}
    refined(shop, here)
    assert staged(here) == [(1, "b")]
    with pytest.raises(DeclarationError, match=r"shop: a\.json belongs to none of its tables \(\*\.csv\)"):
        land(shop, here, files=["a.json"])
    with pytest.raises(SourceError, match=r"gone\.csv: there is no such file"):
        land(shop, here, files=[f"{inbox}/gone.csv"])
    assert land(shop, here) == {"things": 1}  # a.csv; b.csv is known


def test_a_named_file_may_be_a_name_in_the_folder(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox, files="*.csv")
    (inbox / "a.csv").write_text(HEAD + "1,a\n")
    assert land(shop, here, files=["a.csv"]) == {"things": 1}


def test_a_named_file_over_http_that_is_not_there_is_an_error(tmp_path, here, site):
    shop = source_of(tmp_path, site.url, files="t_{month}.csv", start="2019-12-01")
    site.files["t_2018-01.csv"] = b"id,name\n1,old\n"
    assert land(shop, here, files=[f"{site.url}/t_2018-01.csv"]) == {"things": 1}  # before `start`, asked for by name
    with pytest.raises(SourceError, match=r"t_2018-02\.csv answered 404"):
        land(shop, here, files=[f"{site.url}/t_2018-02.csv"])
    assert [path for path, _ in site.asked()] == ["t_2018-01.csv", "t_2018-02.csv"]


def test_columns_come_go_and_change_their_names_and_types(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    (inbox / "1.csv").write_text("id,name\n1,no code\n")
    (inbox / "2.csv").write_text("id,title,Code,more\n2,renamed,7,x\n3,float,7.0,y\n4,half,7.5,\n5,word,seven,\n")
    pq.write_table(pa.table({"code": [8.0, None], "name": ["double", "none"], "id": [6, 7]}), inbox / "3.parquet")
    pq.write_table(pa.table({"code": ["9"], "name": ["text"], "id": pa.array([8], pa.int32())}), inbox / "4.parquet")
    pq.write_table(pa.table({"code": [8.5], "name": ["double"], "id": ["9"]}), inbox / "5.parquet")
    assert run(shop, here) == (9, 6, 3)
    assert staged(here, "id, name, code") == [
        (1, "no code", None),
        (2, "renamed", 7),
        (3, "float", 7),
        (6, "double", 8),
        (7, "none", None),
        (8, "text", 9),
    ]
    assert query(here, "SELECT DISTINCT table_name, field FROM stg_shop._rejected") == [("things", "code")]


def test_staging_is_the_same_when_it_is_made_again_from_landing(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    (inbox / "a.csv").write_text(HEAD + "1,a\n2,b\n2\n")
    (inbox / "b.csv").write_text("id,title,code\n3,c,1.0\n-1,d,\n")
    run(shop, here)
    (inbox / "a.csv").write_text(HEAD + "1,corrected\n")
    run(shop, here)
    everything = "_load_id, _row, file, id, name, code"
    rejects = "SELECT id, raw, rule, message FROM stg_shop._rejected ORDER BY id"
    before, rejected = staged(here, everything), query(here, rejects)
    here.warehouse.unlink()
    refined(shop, here)
    assert staged(here, everything) == before and query(here, rejects) == rejected
    refine(shop, here, since="0")
    assert staged(here, everything) == before and query(here, rejects) == rejected
    assert land(shop, here) == {}


@pytest.mark.parametrize("ours", ["_file", "_file_row", "_row", "_load_id", "_malformed", "_payload", "_parent_ok"])
def test_a_column_with_one_of_our_names_is_kept_apart_or_refused(tmp_path, here, inbox, ours):
    shop = source_of(tmp_path, inbox)
    (inbox / "good.csv").write_text(HEAD + "1,a\n")
    (inbox / "odd.csv").write_text(f"id,name,{ours}\n2,b,x\n")
    try:
        land(shop, here)
    except SourceError as error:
        assert "odd.csv: " in str(error) and ours in str(error) and "Binder" not in str(error)
    refined(shop, here)
    assert staged(here, "file, id") in ([("good.csv", 1)], [("good.csv", 1), ("odd.csv", 2)])


def test_doctor_looks_for_the_folder_where_a_run_reads_it(tmp_path, here, inbox, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (inbox / "a.csv").write_text("id,name\n1,a\n")
    shop = source_of(tmp_path, f"~/{inbox.relative_to(tmp_path)}")
    assert run(shop, here) == (1, 1, 0)
    assert reach(shop, here)
