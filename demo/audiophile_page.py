"""The rankings site's pages as HTML: written by hand over the years, and never twice in the same way."""

from __future__ import annotations

import html
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .audiophile import Product

GRADES = [letter + sign for letter in "SABCDEF" for sign in ("+", "", "-")]  # the best is worth 20, the worst 10
HEADERS = [
    "Rank",
    "Value Rating",
    "Model",
    "Price (MSRP)",
    "Signature",
    "Comments",
    "Tone Grade",
    "Technical Grade",
    "Setup",
    "Fit/Cup Type",
    "Based on",
    "Note weight",
    "ranksort",
    "tonesort",
    "techsort",
    "pricesort",
]
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title} &#8211; Rankings</title>
<script>if (1 < 2) {{ document.write("<b>table</b>"); }}</script></head>
<body class="page"><nav><ul><li><a href="/">Home</a></li><li><a href="/about">Q &amp; A</a></li></ul></nav>
<p>Everything heard so far, ranked.<br>Values are in US$.</p>
<p>Last change: {changed}</p>
<table id="tablepress-4" class="tablepress tablepress-id-4">
<thead>
<tr class="row-1">{headers}</tr>
</thead>
<tbody class="row-hover">
{rows}
</tbody>
</table>
<h2>How grades are given</h2>
<table class="legend"><thead><tr><th>Grade</th><th>Meaning</th></tr></thead>
<tbody><tr><td>S+</td><td>Flawless</td></tr><tr><td>F</td><td>Broken</td></tr></tbody></table>
<footer>&copy; Rankings</footer></body></html>
"""


def page(name: str, products: list[Product], changed: date, *, moved: bool) -> bytes:
    """A whole page.

    Args:
        moved: whether its columns stand in another order.
    """
    names = [header for header in HEADERS if name == "headphones" or header != "Fit/Cup Type"]
    order = [*range(3, len(names)), 0, 1, 2] if moved else list(range(len(names)))
    lines = []
    for number, product in enumerate(products, 2):
        cells = _cells(product)
        row = "".join(f'<td class="column-{place}">{cells[n]}</td>' for place, n in enumerate(order, 1))
        lines.append(f'<tr class="row-{number}">{row}</tr>')
    headers = "".join(f'<th class="column-{place}">{names[n]}</th>' for place, n in enumerate(order, 1))
    return PAGE.format(title=name.title(), changed=changed, headers=headers, rows="\n".join(lines)).encode()


def _cells(product: Product) -> list[str]:
    """A row's cells as HTML: links, comments, hidden elements and soft hyphens included."""
    line_break = ("<br>", "<br />\n", "<br/>")[product.look % 3]
    model = line_break.join(html.escape(line) for line in product.model)
    if product.look % 5 == 0:
        model = f'<a href="https://example.com/{product.look}" target="_blank" rel="noopener">{model}</a>'
    if product.look % 4 == 1:
        model = model[:4] + "&shy;" + model[4:] if model[:4].isalpha() else model
    price = line_break.join(html.escape(line) for line in product.price.lines)
    if product.look % 9 == 2:
        price += "<!-- was 99 -->"
    signature = product.signature
    if signature == "Balanced":
        signature = ('"Balanced"', "&quot;Balanced&quot;", "Balanced")[product.look % 3]
    sorts = [_sort(product.rank), _sort(product.tone), _sort(product.technical), str(product.price.sort)]
    return [
        product.rank,
        "★" * product.stars,
        model,
        price,
        signature,
        html.escape(product.comment).replace("&#x27;", "&#8217;"),
        product.tone + "<!-- heard twice -->" * (product.look % 7 == 0),
        f"<span>{product.technical}<i hidden>{product.look}</i></span>"
        if product.look % 13 == 0
        else product.technical,
        product.setup,
        *([] if product.fit is None else [product.fit]),
        html.escape(product.based_on),
        product.weight,
        *sorts,
    ]


def _sort(grade: str) -> str:
    return str(GRADES.index(grade) * 7 + 1) if grade in GRADES else "999"
