"""Tables in web pages against a real HTTP server: changed and vanished rows, and every way a page can be wrong."""

import re

import duckdb
import pytest
import yaml

from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import SourceError, land, load_sources, refine
from tests.dlt_sources.shop import query

CONTRACT = """
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    model: str = column("model", min_length=1, max_length=100)
    price: str | None = column("price", path=["price", "cost"], max_length=50)
"""
PATH = "rankings/things"


def page_of(*rows, head=("Model", "Price (MSRP)"), before="", after="", body=True):
    """A page as a WordPress site with TablePress has it."""
    cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    header = f"<thead><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr></thead>"
    table = (
        f'<table id="tablepress-4" class="tablepress">{header}{f"<tbody>{cells}</tbody>" if body else cells}</table>'
    )
    return f"<!DOCTYPE html><html><body>{before}{table}{after}</body></html>".encode()


@pytest.fixture
def shop(tmp_path, site):
    return source_of(tmp_path, site)


def source_of(tmp_path, site, connection=None, **table):
    """A declared source of one table `things` on the site's page."""
    folder = tmp_path / "sources" / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    shape = {"contract": "Thing", "key": ["model"], "mode": "scd2", "deletes": "soft", "page": PATH} | table
    content = {
        "description": "things",
        "owner": "me",
        "schedule": "* * * * *",
        "connector": "html_table",
        "connection": {"base_url": site.url, "attempts": 2, "timeout": 2, **(connection or {})},
        "tables": {"things": {"selector": "table.tablepress", **shape}},
    }
    (folder / "source.yml").write_text(yaml.safe_dump(content))
    (folder / "contract.py").write_text(CONTRACT)
    return load_sources(folder.parent)["shop"]


def pages(here):
    """Addresses and bodies of the landed pages, oldest first."""
    landing = Landing("shop", here)
    files = [file.path for file in landing.files("_pages", landing.loads())]
    return duckdb.sql(f"SELECT url, body FROM read_parquet({files})").fetchall() if files else []


def versions(here):
    """Every staged version: model, price, deleted; in the order they were read."""
    found = "SELECT model, price, _deleted FROM stg_shop.things ORDER BY CAST(_load_id AS DOUBLE), model"
    return query(here, found)


def test_the_rows_and_the_page_itself_land(shop, here, site):
    site.files[PATH] = page_of(("A", "100"), ("B", ""))
    assert land(shop, here) == {"things": 2}
    assert pages(here) == [(f"{site.url}/{PATH}", site.files[PATH])]
    done = refine(shop, here)
    assert (done.accepted["things"], done.rejected["things"]) == (2, 0)
    assert versions(here) == [("A", "100", False), ("B", "", False)]


def test_a_page_that_has_not_changed_lands_nothing(shop, here, site):
    site.files[PATH] = page_of(("A", "100"))
    assert land(shop, here) == {"things": 1}
    loads = Landing("shop", here).loads()
    assert land(shop, here) == {}
    assert site.asked() == [(PATH, 200), (PATH, 304)]
    site.etags = False
    assert land(shop, here) == {}  # no word from the server, but the same bytes
    assert site.asked() == [(PATH, 200)]
    assert Landing("shop", here).loads() == loads
    assert len(pages(here)) == 1


def test_the_date_of_a_page_is_sent_back(shop, here, site):
    site.etags, date = False, "Mon, 02 Mar 2020 00:00:00 GMT"
    site.files[PATH], site.dates[PATH] = page_of(("A", "100")), {"last-modified": date}
    land(shop, here)
    site.files[PATH] = 304
    assert land(shop, here) == {}
    assert site.headers[-1]["if-modified-since"] == date and site.headers[-1]["user-agent"].startswith("Millrace")


def test_only_the_changed_row_lands_and_the_page_beside_it(shop, here, site):
    site.files[PATH] = page_of(("A", "100"), ("B", "200"), ("C", "300"))
    land(shop, here)
    site.files[PATH] = page_of(("C", "300"), ("B", "250"), ("A", "100"), after="<p>an advertisement</p>")
    assert land(shop, here) == {"things": 1}
    assert len(pages(here)) == 2
    site.files[PATH] = page_of(("C", "300"), ("B", "250"), ("A", "100"), after="<p>another advertisement</p>")
    assert land(shop, here) == {}
    refine(shop, here)
    assert versions(here) == [("A", "100", False), ("B", "200", False), ("C", "300", False), ("B", "250", False)]


def test_a_row_that_vanishes_and_comes_back_keeps_its_history(shop, here, site):
    for prices in ("100", "120", None, "120"):
        site.files[PATH] = page_of(("A", "1"), *([("B", prices)] if prices else []))
        land(shop, here)
        refine(shop, here)
    history = [("A", "1", False), ("B", "100", False), ("B", "120", False), ("B", "120", True), ("B", "120", False)]
    assert versions(here) == history
    refine(shop, here, since="0")
    assert versions(here) == history
    here.warehouse.unlink()
    refine(shop, here)
    assert versions(here) == history


def test_a_crash_right_after_the_commit_does_not_hide_a_later_deletion(shop, here, site, monkeypatch):
    site.files[PATH] = page_of(("A", "1"))
    land(shop, here)
    site.files[PATH] = page_of(("A", "1"), ("B", "2"))
    with monkeypatch.context() as crash:
        crash.setattr("dlt_sources._steps.land.reread.TableRead.remember", lambda self: None)
        land(shop, here)
    land(shop, here)  # nothing new
    site.files[PATH] = page_of(("A", "1"))
    assert land(shop, here) == {"things": 1}
    refine(shop, here)
    assert versions(here) == [("A", "1", False), ("B", "2", False), ("B", "2", True)]


def test_a_row_that_vanishes_after_it_broke_its_contract_has_vanished(shop, here, site):
    for rows in ([("A", "1"), ("B", "2")], [("A", "1"), ("B", "x" * 60)], [("A", "1")]):
        site.files[PATH] = page_of(*rows)
        land(shop, here)
        refine(shop, here)
    assert versions(here) == [("A", "1", False), ("B", "2", False), ("B", None, True)]
    assert query(here, "SELECT count(*) FROM stg_shop._rejected") == [(1,)]


def test_half_a_page_is_not_a_deletion(shop, here, site):
    site.files[PATH] = whole = page_of(*((f"model {n}", "1") for n in range(10)))
    land(shop, here)
    site.files[PATH] = whole[: len(whole) // 2]
    with pytest.raises(SourceError, match="it has no end"):
        land(shop, here)
    site.files[PATH] = whole
    assert land(shop, here) == {}
    refine(shop, here)
    assert len(versions(here)) == 10


def test_cells_are_read_as_a_person_reads_them(shop, here, site):
    site.files[PATH] = page_of(
        ("A<br>B<br />C", "1 &amp; 2"),
        ("  D   d ", "<b>3</b>&nbsp;<i>4</i>"),
        ("&Eacute; ★ 🎉", "<br>"),
        ("E&#x27;", "<a href='/'>6</a>"),
    )
    assert land(shop, here) == {"things": 4}
    refine(shop, here)
    assert [row[:2] for row in versions(here)] == [("A\nB\nC", "1 & 2"), ("D d", "3 4"), ("E'", "6"), ("É ★ 🎉", "")]


def test_a_line_of_the_pages_source_does_not_divide_a_cell(shop, here, site):
    site.files[PATH] = page_of(("D\n   d", "\n1\n"))
    land(shop, here)
    refine(shop, here)
    assert versions(here) == [("D d", "1", False)]


def test_other_tables_and_markup_do_not_matter(shop, here, site):
    other = "<table><tr><td>menu</td></tr></table>"
    site.files[PATH] = page_of(("A", "1"), before=other, after=other, body=False)
    assert land(shop, here) == {"things": 1}


def test_a_header_may_be_one_of_several(shop, here, site):
    site.files[PATH] = page_of(("A", "1"), head=("MODEL", "Cost"))
    assert land(shop, here) == {"things": 1}
    refine(shop, here)
    assert versions(here) == [("A", "1", False)]


GOOD = page_of(("A", "100"), ("B", "200"))
WRONG = {
    "no HTML": (b"\x00\x01\x02 nothing of the kind", r"no table at 'table.tablepress'"),
    "nothing": (b"", r"no table at 'table.tablepress' in the page \(0 characters\)"),
    "JSON": (b'{"error": "blocked"}', r"no table at"),
    "a page without the table": (b"<html><body><h1>Just a moment...</h1></body></html>", r"no table at"),
    "another table": (b"<table><tr><th>Model</th></tr><tr><td>A</td></tr></table>", r"no table at"),
    "no rows": (page_of(), r"the table at 'table.tablepress' has no rows"),
    "no header": (
        b"<table class=tablepress><tr><td>A</td><td>1</td></tr></table>",
        r"header is not usable: there is none",
    ),
    "repeated header": (page_of(("A", "1"), head=("Model", "model")), r"header is not usable: model, model"),
    "too few cells": (page_of(("A", "1"), ("B",)), r"a row with 1 cells under 2 headers: \['B'\]"),
    "too many cells": (page_of(("A", "1"), ("B", "2", "3")), r"a row with 3 cells under 2 headers"),
    "merged cells": (GOOD.replace(b"<td>A</td><td>", b"<td colspan=2>"), r"a row of one cell across all 2 columns"),
    "cells merged too far": (
        GOOD.replace(b"<td>A</td>", b"<td colspan=2>A</td>"),
        r"a row with 3 cells under 2 headers: \['A', 'A', '100'\]",
    ),
    "renamed header": (
        page_of(("A", "1"), head=("Model", "Amount")),
        r"no column price or cost \(for Thing\.price\); it has model, amount.*contract\.py",
    ),
    "too large": (page_of(("A", "1"), after="x" * 20_000), r"more than 0\.01 MB.*max_megabytes"),
    "404": (404, r"answered 404"),
    "403": (403, r"answered 403"),
    "500": (500, r"answered 500"),
    "503": (503, r"answered 503"),
}


LASTING = ("renamed header", *(kind for kind, (page, _) in WRONG.items() if page in (403, 404)))
"""What does not heal by itself."""


@pytest.mark.parametrize("before", ["never read", "read before"])
def test_a_wrong_page_is_a_clear_error_and_nothing_of_it_lands(tmp_path, here, site, before):
    shop = source_of(tmp_path, site, {"max_megabytes": 0.01})
    site.files[PATH] = GOOD
    if before == "read before":
        land(shop, here)
    loads = Landing("shop", here).loads()
    for kind, (page, why) in WRONG.items():
        site.files[PATH] = page
        with pytest.raises(SourceError) as error:
            land(shop, here)
        assert re.search(why, str(error.value)), kind
        assert f"{site.url}/{PATH}" in str(error.value) and "the next run" in str(error.value)
        assert error.value.exit_code == (2 if kind in LASTING else 3)
        assert Landing("shop", here).loads() == loads
    site.files[PATH] = GOOD
    assert land(shop, here) == ({} if loads else {"things": 2})
    refine(shop, here)
    assert versions(here) == [("A", "100", False), ("B", "200", False)]


def test_a_page_that_is_not_in_its_encoding_is_a_clear_error(shop, here, site):
    site.files[PATH] = good = page_of(("größe", "1"), ("B", "2"))
    land(shop, here)
    site.files[PATH] = good.replace("ö".encode(), b"\xc3")
    with pytest.raises(SourceError, match="not in its encoding utf-8"):
        land(shop, here)


def test_a_page_without_its_end_is_not_a_deletion(shop, here, site):
    site.files[PATH] = whole = page_of(*((f"model {n}", "1") for n in range(10)))
    land(shop, here)
    site.files[PATH] = whole[: whole.index(b"<tr><td>model 7")]
    with pytest.raises(SourceError, match="the next run"):
        land(shop, here)


def test_a_body_shorter_than_it_says_is_not_a_deletion(shop, here, site):
    site.files[PATH] = whole = page_of(*((f"model {n}", "1") for n in range(10)))
    land(shop, here)
    site.files[PATH], site.dates[PATH] = whole[: whole.index(b"<tr><td>model 7")], {"content-length": str(len(whole))}
    with pytest.raises(SourceError, match="the next run"):
        land(shop, here)


def test_a_page_in_latin_1_that_says_so_is_read(shop, here, site):
    text = page_of(("größe", "1")).decode().replace("<html>", '<html><head><meta charset="iso-8859-1"></head>')
    site.files[PATH] = text.encode("latin-1")
    land(shop, here)
    refine(shop, here)
    assert versions(here) == [("größe", "1", False)]


def test_a_charset_in_the_answers_header_counts(shop, here, site):
    site.files[PATH] = page_of(("größe ★", "1"))
    site.dates[PATH] = {"content-type": "text/html; charset=utf-8"}
    land(shop, here)
    refine(shop, here)
    assert versions(here) == [("größe ★", "1", False)]
