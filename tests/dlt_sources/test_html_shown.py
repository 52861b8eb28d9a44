"""Cells and merged cells as a browser shows them: generated markup against what it means, and against a browser itself."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from dlt_sources._steps.declared.source_error import SourceError
from dlt_sources._steps.land.connectors.html_shown import text_of
from dlt_sources._steps.land.connectors.html_table import names_of, table
from tests import needs
from tests.superset import browser

SHOWN = {  # markup: what is shown of it
    "1": "1",
    "a b": "a b",
    "<b>x</b>": "x",
    "y<sup>2</sup>": "y2",
    "<a href='/?a=1'>l</a>": "l",
    "&amp;lt;": "&lt;",
    "&euro;": "€",
    "&#150;": "–",
    "&#x80;": "€",
    "★": "★",
    "👨\u200d👩\u200d👧": "👨\u200d👩\u200d👧",
    "<s>9</s>": "9",
    "&lt;b&gt;": "<b>",
    "<custom-element>c</custom-element>": "c",
    "<span style='color:red'>r</span>": "r",
    "<span aria-hidden=true>v</span>": "v",
    "<span style='displayed:none'>d</span>": "d",
    "<ruby>漢<rp>(</rp><rt>k</rt><rp>)</rp></ruby>": "漢k",
    "<button>B</button>": "B",
    "<details open><summary>s</summary>t</details>": "\ns\nt\n",
    "<label>f</label>": "f",
}
BREAKS = [
    "<br>",
    "<br/>",
    "<br />\n",
    "<p>",
    "<div></div>",
    "<hr>",
    "<ul><li></li></ul>",
    "<h3></h3>",
    "<pre>\n</pre>",
    "<br><br>",
]
BLANKS = [" ", "\n", "\t ", "&nbsp;", "&#160;&nbsp;", "&thinsp;", "&#8239;", " <i></i> ", "\r\n"]
NOTHING = [
    "<!-- c -->",
    "<!---->",
    "<![CDATA[x]]>",
    "<?php echo 1 ?>",
    "<!x>",
    "<script>var a = '<b>1</b>'</script>",
    "<style>td {}</style>",
    "<template><b>t</b></template>",
    "<noscript><img src=x alt=y>n</noscript>",
    "<span hidden>h</span>",
    "<span hidden=''><b>h</b></span>",
    "<i style='display:none'>h</i>",
    "<i style='color:red; DISPLAY : none !important'>h</i>",
    "<i style='visibility:hidden'>h</i>",
    "<div hidden>h<p>h</p></div>",
    "<wbr>",
    "&shy;",
    "\u200b",
    "&#8203;",
    "\u2060",
    "\ufeff",
    "<input value=v>",
    "<input type=hidden value=v>",
    "<img src='' alt=''>",
    "<select><option>o</option></select>",
    "<textarea>t</textarea>",
    "<iframe>i</iframe>",
    "<b></b>",
    "<video>v</video>",
    "<i style='color: red; /* x: y; */ display:none'>h</i>",
    "<dialog>d</dialog>",
    "<svg><title>t</title><desc>d</desc></svg>",
    "<span hidden>a<span>b</span><!-- c --></span>",
    "<details><summary></summary>more<b>more</b></details>",
]
PIECES: list[tuple[str, str]] = [
    *SHOWN.items(),
    *((markup, "\n") for markup in BREAKS),
    *((markup, " ") for markup in BLANKS),
    *((markup, "\n" if markup.startswith("<details") else "") for markup in NOTHING),
]


def normal(text: str) -> str:
    """Lines without blanks around them, and without empty ones."""
    lines = (re.sub(r"\s+", " ", line).strip() for line in re.split(r"[\r\n]", text))
    return "\n".join(line for line in lines if line)


def read(cell: str) -> str:
    tag = BeautifulSoup(f"<table><tr><td>{cell}</td></tr></table>", "lxml").td
    assert tag is not None
    return text_of(tag)


@settings(max_examples=400)
@given(st.lists(st.sampled_from([p for p in PIECES if p[0] != "<p>"]), max_size=8))
def test_a_cell_says_what_is_shown_and_nothing_else(pieces: list[tuple[str, str]]) -> None:
    cell = "".join(markup for markup, _ in pieces)
    shown = "".join(text for _, text in pieces)
    assert read(cell) == normal(shown)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("1<!-- c -->", "1"),
        ("<div>600</div><div>700</div>", "600\n700"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("1<sup>[2]</sup>", "1[2]"),
        ("1&shy;900", "1900"),
        ("1<wbr>900", "1900"),
        ("1&thinsp;900", "1 900"),
        ("<pre>a\n  b</pre>", "a\nb"),
    ],
)
def test_cells_that_are_easily_misread(cell: str, shown: str) -> None:
    assert read(cell) == shown


@pytest.mark.slow
def test_a_browser_shows_the_same() -> None:
    found = browser.find()
    if found is None:
        needs.lack(browser.LACK, browser.COMMAND, strict=True)
    from playwright.sync_api import sync_playwright

    rng = random.Random(7)
    cells = [markup for markup, _ in PIECES]
    cells += ["".join(rng.choice(PIECES)[0] for _ in range(rng.randrange(1, 9))) for _ in range(600)]
    cells = [cell for cell in cells if "<select" not in cell]  # a browser's own list of texts has all of its options
    page = (
        "<!DOCTYPE html><meta charset=utf-8><table>"
        + "".join(f"<tr><td>{cell}</td></tr>" for cell in cells)
        + "</table>"
    )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        tab = started.new_page()
        tab.set_content(page)
        shown = tab.evaluate(
            "[...document.querySelectorAll('body > table > tbody > tr > td')].map(cell => cell.innerText)"
        )
        started.close()
    invisible = re.compile("[\u00ad\u200b\u200e\u200f\u061c\u2060-\u2064\ufeff]")
    wrong = [
        (cell, read(cell), normal(invisible.sub("", text)))
        for cell, text in zip(cells, shown, strict=True)
        if read(cell) != normal(invisible.sub("", text))
    ]
    assert not wrong, "\n".join(map(str, wrong[:10]))


def page(rows: str, head: str = "<tr><th>A</th><th>B</th><th>C</th></tr>") -> str:
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def values(rows: str, **how: Any) -> list[list[str]]:
    return [list(row.values()) for row in table(page(rows, **how), "table", "url")]


@settings(max_examples=200)
@given(data=st.data(), height=st.integers(1, 6), width=st.integers(1, 5))
def test_merged_cells_stand_in_every_place_that_they_cover(data: st.DataObject, height: int, width: int) -> None:
    grid: list[list[str | None]] = [[None] * width for _ in range(height)]
    lines = []
    for y in range(height):
        line = ""
        for x in range(width):
            if grid[y][x] is None:
                free = next((n for n in range(x, width) if grid[y][n] is not None), width) - x
                across = data.draw(st.integers(1, free if free < width else max(width - 1, 1)))
                down = data.draw(st.integers(1, height - y))
                for row in grid[y : y + down]:
                    row[x : x + across] = [f"{y}.{x}"] * across
                line += f"<td{f' colspan={across}' * (across > 1)}{f' rowspan={down}' * (down > 1)}>{y}.{x}</td>"
        lines.append(line)
    head = "<tr>" + "".join(f"<th>c{n}</th>" for n in range(width)) + "</tr>"
    rows = "".join(f"<tr>{line}</tr>" for line in lines)
    expected = [
        row for row, line in zip(grid, lines, strict=True) if line
    ]  # a row of no cell of its own shows nothing new
    assert values(rows, head=head) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("<tr><th>1</th><td>2</td><td>3</td></tr>", [["1", "2", "3"]]),
        ("<tr></tr><tr><td>1</td><td>2</td><td>3</td></tr>", [["1", "2", "3"]]),
        ("<tr><th>A</th><th>B</th><th>C</th></tr><tr><td>1</td><td>2</td><td>3</td></tr>", [["1", "2", "3"]]),
        ("<tr hidden><td>t</td></tr><tr><td>1</td><td>2</td><td>3</td></tr>", [["1", "2", "3"]]),
        ("<tr><td>1</td><td hidden>x</td><td>2</td><td>3</td></tr>", [["1", "2", "3"]]),
        ("<tr><td>1</td><td>2</td><td style='display:none'>3</td></tr>", [["1", "2", "3"]]),
        ("<tr><td colspan=3><script>ad()</script></td></tr><tr><td>1</td><td colspan=2>2</td></tr>", [["1", "2", "2"]]),
        (
            "<tr><td rowspan=0>1</td><td>2</td><td>3</td></tr><tr><td>4</td><td>5</td></tr>",
            [["1", "2", "3"], ["1", "4", "5"]],
        ),
        (
            "<tr><td>1</td><td>2</td><td><table><tr><th>n</th></tr><tr><td>3</td></tr></table></td></tr>",
            [["1", "2", "n\n3"]],
        ),
        ("<tr><td colspan=x>1</td><td colspan=-1>2</td><td rowspan=''>3</td></tr>", [["1", "2", "3"]]),
    ],
)
def test_rows_are_those_that_are_shown(rows: str, expected: list[list[str]]) -> None:
    assert values(rows) == expected


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("<tr><td colspan=3>Flagships</td></tr>", "one cell across all 3 columns.*Flagships"),
        ("<tr><td colspan=99999999>x</td></tr>", "one cell across all 3 columns"),
        ("<tr><td colspan=99999999>x</td><td colspan=99999>y</td></tr>", "a row with .* under 3 headers"),
        (
            "<tr><td>1</td><td rowspan=2>2</td><td>3</td></tr><tr><td>4</td><td>5</td><td>6</td></tr>",
            "a row with 4 cells",
        ),
        ("<tr><td>1</td><td hidden>2</td></tr>", "a row with 1 cells under 3"),
    ],
)
def test_a_row_that_cannot_be_told_apart_by_column_is_a_clear_error(rows: str, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        values(rows)


@pytest.mark.parametrize(
    ("heads", "wanted", "names"),
    [
        (["Model", "Price (MSRP)", "Tone Grade"], [], ["model", "price", "tone_grade"]),
        (["Fit/Cup Type"], ["fit_cup"], ["fit_cup"]),
        (["Fit/Cup Type"], ["fit_cup_type", "fit_cup"], ["fit_cup_type"]),
        (["Fit/Cup Type"], ["Fit/Cup Type"], ["Fit/Cup Type"]),
        (["Fit/Cup Type"], [], ["fit_cup_type"]),
        (["Value (0 to 3)", "Value Rating"], ["value", "value_rating"], ["value", "value_rating"]),
        (["Value (0 to 3)", "Value/money"], ["value"], ["value", "value_money"]),
        (["Value/money", "Value (0 to 3)"], ["value"], ["value_money", "value"]),
        (["價格", "", "★", ""], ["價格"], ["價格", "column_2", "★", "column_4"]),
        (["Model", "model"], ["Model", "model"], ["Model", "model"]),
        (["Model", "model"], [], ["model", "model"]),
    ],
)
def test_a_column_is_found_by_its_header_or_its_usual_name_or_its_first_word(
    heads: Any, wanted: Any, names: Any
) -> None:
    assert names_of(heads, wanted) == names


def test_a_header_of_several_rows_is_read_down_the_columns() -> None:
    head = "<tr><th rowspan=2>Model</th><th colspan=2>Price</th></tr><tr><th>New</th><th>Used</th></tr>"
    assert table(page("<tr><td>1</td><td>2</td><td>3</td></tr>", head), "table", "url") == [
        {"model": "1", "price_new": "2", "price_used": "3"}
    ]
