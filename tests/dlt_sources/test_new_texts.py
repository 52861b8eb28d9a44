"""Sources made of texts as programs write them: what is between the cells, before the header and instead of one, and of no value."""

import csv
import io
from datetime import date, datetime
from decimal import Decimal

import hypothesis
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import strategies as st

from dlt_sources._new.sniff import written_as
from dlt_sources._steps.declared.connections import FilesConnection
from dlt_sources._steps.land.connectors.tabular import as_parquet
from dlt_sources.contract import Contract
from dlt_sources.door import SampleError, land, refine
from tests.dlt_sources.test_new import accepted, fields, make

pytestmark = pytest.mark.usefixtures("known_settings")
ROWS = range(1, 41)


def day(n):
    return f"{n % 28 + 1:02}.01.2026"


def lines(head, row, end="\n"):
    return head + "".join(row(n) + end for n in ROWS)


SHAPES = {
    "a line that tells Excel what is between the cells": (
        "a.csv",
        lines("sep=;\r\nNr;Betrag;Tag\r\n", lambda n: f"{n};{n},50;{day(n)}", "\r\n").encode("cp1252"),
        {"delimiter": ";", "skip_lines": 1},
        {"nr": int, "betrag": Decimal, "tag": date},
    ),
    "a title above the header": (
        "a.csv",
        lines("Sales of 2026\nMade on 2026-01-31, by hand\n\nNo;Name;Since\n", lambda n: f"{n};x{n};{day(n)}").encode(),
        {"delimiter": ";", "skip_lines": 3},
        {"no": int, "name": str, "since": date},
    ),
    "tabs without a header": (
        "a.txt",
        lines("", lambda n: f"{n}\tx{n}\t2026-01-{n % 28 + 1:02}").encode(),
        {"delimiter": "\t", "header": ["column_1", "column_2", "column_3"]},
        {"column_1": int, "column_2": str, "column_3": date},
    ),
    "a file that is called .tsv": (
        "a.tsv",
        lines("id\tname\n", lambda n: f"{n}\tx, {n}").encode(),
        {"delimiter": "\t"},
        {"id": int, "name": str},
    ),
    "a delimiter behind the last cell": (
        "a.csv",
        lines("id;name;\n", lambda n: f"{n};x{n};").encode(),
        {"delimiter": ";", "skip_lines": 1, "header": ["id", "name", "column_3"]},
        {"id": int, "name": str},
    ),
    "a number before the first name": (
        "a.csv",
        lines(",code,price\n", lambda n: f"{n - 1},c{n},{n}.50").encode(),
        {"skip_lines": 1, "header": ["column_1", "code", "price"]},
        {"column_1": int, "code": str, "price": Decimal},
    ),
    "a name that comes again": (
        "a.csv",
        lines("id,name,Name\n", lambda n: f"{n},a{n},b{n}").encode(),
        {"skip_lines": 1, "header": ["id", "name", "Name_2"]},
        {"id": int, "name": str, "name_2": str},
    ),
    "years among the names": (
        "a.csv",
        lines("Country,2024,2025\n", lambda n: f"C{n},{n},{n * 2}").encode(),
        {},
        {"country": str, "a_2024": int, "a_2025": int},
    ),
    "days of a month as names": (
        "a.csv",
        lines("Who,1,2,3\n", lambda n: f"C{n},{n},{n * 2},0").encode(),
        {},
        {"who": str, "a_1": int, "a_2": int, "a_3": int},
    ),
    "words for no value": (
        "a.csv",
        lines(
            "id,score,since,note\n",
            lambda n: f"{n},{'NA' if n % 4 else n / 2},{chr(92) + 'N' if n % 5 else day(n)},{'-' if n % 2 else 'x'}",
        ).encode(),
        {},
        {"id": int, "score": float, "since": date, "note": str},
    ),
    "cp1252 with a euro sign": (
        "a.csv",
        lines("Nr;Größe (cm);Art\r\n", lambda n: f"{n:05};{n},5;€ {n}", "\r\n").encode("cp1252"),
        {"delimiter": ";", "encoding": "cp1252"},
        {"nr": str, "grosse_cm": Decimal, "art": str},
    ),
    "a byte order mark, semicolons and CRLF": (
        "a.csv",
        lines("\ufeffNr;Betrag;Am\r\n", lambda n: f"{n};{n},50;{day(n)} 10:{n:02}", "\r\n").encode(),
        {"delimiter": ";"},
        {"nr": int, "betrag": Decimal, "am": datetime},
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_row_is_accepted_and_lands(here, tmp_path, shape):
    name, content, written, kinds = SHAPES[shape]
    (tmp_path / name).write_bytes(content)
    made, source = make(tmp_path, str(tmp_path / name))
    assert accepted(made) == {"a": len(ROWS)}
    connection = yaml.safe_load(made.files["shop/source.yml"])["connection"]
    assert connection == {"url": str(tmp_path), **written}
    assert {name: kind for name, (kind, _, _) in fields(source, "a").items()} == kinds
    assert land(source, here)["a"] == len(ROWS)
    assert refine(source, here).accepted["a"] == len(ROWS)
    assert ("header" in written) == any("the columns are called" in text for text in made.doubts)


def test_a_title_of_a_sheet_is_left_out(here, tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    for row in (
        ["Sales of 2026"],
        [None],
        ["No", "Name", "Since"],
        *([n, f"x{n}", date(2026, 1, n % 28 + 1)] for n in ROWS),
    ):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    made, source = make(tmp_path, str(tmp_path / "a.xlsx"))
    assert accepted(made) == {"a": len(ROWS)}
    assert {name: kind for name, (kind, _, _) in fields(source, "a").items()} == {"no": int, "name": str, "since": date}


def test_a_file_of_lines_without_rows_is_refused_with_the_first_of_them(here, tmp_path):
    (tmp_path / "a.csv").write_text("id,amount\n" + "1,2,3\n" * 40)
    with pytest.raises(
        SampleError, match=r"none of its 40 lines is a row.*line 2: Expected Number of Columns: 2 Found: 3"
    ):
        make(tmp_path, str(tmp_path / "a.csv"))


TEXT = st.text(st.sampled_from("abcxyzÄßé ,;|'\t"), max_size=8).map(lambda text: f"t{text}e")
NAMES = st.lists(TEXT, min_size=3, max_size=3, unique_by=str.lower)
BODY = st.lists(
    st.tuples(st.integers(10**4, 10**6).map(str), TEXT, st.dates(date(1950, 1, 1)).map(str)), min_size=8, max_size=30
)


@hypothesis.settings(max_examples=60, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(
    names=NAMES,
    body=BODY,
    delimiter=st.sampled_from(",;|\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    above=st.sampled_from(["header", "nothing", "title", "sep", "hole"]),
)
def test_any_way_to_write_a_table_is_read_back(tmp_path_factory, names, body, delimiter, encoding, end, quoting, above):
    """Whatever is between the cells, before the header and instead of one: the rows are those that were written."""
    text = io.StringIO()
    text.write({"title": f"Report{end}{end}", "sep": f"sep={delimiter}{end}"}.get(above, ""))
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    names = ["", *names[1:]] if above == "hole" else names
    writer.writerows(([] if above == "nothing" else [names]) + body)
    folder = tmp_path_factory.mktemp("any")
    path, target = folder / "a", folder / "b.parquet"
    path.write_bytes(text.getvalue().encode(encoding))
    connection = FilesConnection(url="x", **written_as(path.read_bytes()))
    as_parquet(path, target, "a.csv", Contract, connection, datetime(2026, 1, 1), 0, "1GB")
    table = pq.read_table(target)
    expected = (
        [f"column_{n}" for n in (1, 2, 3)]
        if above == "nothing"
        else ["column_1", *names[1:]]
        if above == "hole"
        else names
    )
    assert table.column_names[:3] == expected and table["_malformed"].null_count == len(body)
    assert list(zip(*(table[name].to_pylist() for name in expected), strict=True)) == body
