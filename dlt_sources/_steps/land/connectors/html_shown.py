"""What a browser shows of a table: its rows with merged cells laid out, and the text of a cell.

Only what the page itself says counts: `hidden` attributes and inline styles, not style sheets or scripts. A cell that is
hidden as a whole is data all the same (rankings keep sort keys in hidden columns); inside a cell what is hidden is not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import Tag

_NEVER = {
    "script",
    "style",
    "template",
    "head",
    "title",
    "noscript",
    "noembed",
    "noframes",
    "iframe",
    "object",
    "audio",
    "video",
    "canvas",
    "select",
    "datalist",
    "textarea",
    "progress",
    "meter",
    "map",
    "rp",
    "desc",
    "metadata",
    "annotation",
    "annotation-xml",
}
"""Elements whose text is not part of what a page with scripts shows as text."""
_BLOCKS = {
    "address",
    "article",
    "aside",
    "blockquote",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "legend",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "optgroup",
    "p",
    "pre",
    "search",
    "section",
    "summary",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "tr",
    "ul",
}
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u061c\u2060-\u2064\ufeff]")
"""Characters without width that divide nothing a reader sees: soft hyphens, zero-width spaces, marks of direction. Not the
joiners: they change what is shown (an emoji of four people).
"""
_LONGEST_SPAN = 1_000


class SpanError(ValueError):
    """The cells of a row cannot be told apart by column."""


def text_of(cell: Tag) -> str:
    """A cell's text: lines where a browser begins one (``<br>``, blocks), other white space as one blank."""
    from bs4 import Tag
    from bs4.element import NavigableString, PreformattedString

    pieces: list[str] = []
    waiting: list[object] = list(reversed(cell.contents))
    while waiting:  # not recursive: pages may be nested as deep as they like
        part = waiting.pop()
        if isinstance(part, Tag):
            if part.name == "br":
                pieces.append("\n")
            elif not _is_hidden(part):
                block = part.name in _BLOCKS
                pieces.append("\n" if block else " " if part.name in ("td", "th") else "")
                waiting += ["\n"] if block else []
                waiting += reversed(part.contents)
        elif isinstance(part, NavigableString):
            if not isinstance(part, PreformattedString) and not _is_closed(part.parent):  # comments, CDATA
                kept = part if _in_pre(part, cell) else re.sub(r"\s+", " ", part)
                pieces.append(_INVISIBLE.sub("", kept))
        else:
            pieces.append(str(part))
    lines = (re.sub(r"[^\S\n]+", " ", line).strip() for line in re.split(r"\r\n?|\n", "".join(pieces)))
    return "\n".join(line for line in lines if line)


def rows_of(table: Tag) -> tuple[list[Tag], list[Tag]]:
    """The rows of the header and of the body that are shown; not those of tables inside a cell or of the footer."""
    own = [row for row in table.find_all("tr") if row.find_parent("table") is table and _shown(row, table)]
    head = [row for row in own if _part(row) == "thead"]
    if not head:
        head = [row for row in own if row.find("th", recursive=False)][:1]
    above = set(map(id, head))  # rows with the same content are equal
    return head, [row for row in own if id(row) not in above and _part(row) not in ("thead", "tfoot")]


def cells_of(row: Tag) -> list[Tag]:
    """The cells of a row, also those that name it."""
    return list(row.find_all(["td", "th"], recursive=False))


def laid_out(rows: list[Tag], width: int | None) -> list[list[str]]:
    """The texts of rows, column by column: a cell stands in every column and row that it spans.

    Args:
        width: how many columns there are; None: as many as the rows have.

    Raises:
        SpanError: a row has more or fewer, or is one cell across all of them; shows its first cells.
    """
    below: dict[int, tuple[int, str]] = {}  # by column: rows still to fill, and with what
    made = []
    for row in rows:
        cells = cells_of(row)
        if width is not None and len(cells) == 1 and width > 1 and _span(cells[0], "colspan") >= width:
            if text_of(cells[0]):
                raise SpanError(
                    f"a row of one cell across all {width} columns, which belongs to none of them: {text_of(cells[0])[:50]!r}"
                )
            continue
        line = _line(cells, below, width)
        if width is not None and len(line) != width and any(map(_is_hidden, cells)):
            line = _line([cell for cell in cells if not _is_hidden(cell)], below, width)
        if width is not None and len(line) != width and cells:
            raise SpanError(f"a row with {len(line)} cells under {width} headers: {[text for text, _ in line][:3]}")
        below = {place: (left - 1, text) for place, (text, left) in enumerate(line) if left > 1}
        if not cells:
            continue  # nothing of it is shown, but what spans it has one row less to go
        made.append([text for text, _ in line])
    return made


def _line(cells: list[Tag], below: dict[int, tuple[int, str]], width: int | None) -> list[tuple[str, int]]:
    """A row's texts by column, each with the number of rows that it fills from here on."""
    line: list[tuple[str, int]] = []
    for cell in cells:
        _take_spanned(line, below)
        text, down = text_of(cell), _span(cell, "rowspan")
        line += [(text, down)] * _span(cell, "colspan")
        if width is not None and len(line) > width + _LONGEST_SPAN:
            break
    _take_spanned(line, below)
    return line


def _take_spanned(line: list[tuple[str, int]], below: dict[int, tuple[int, str]]) -> None:
    while len(line) in below:
        left, text = below[len(line)]
        line.append((text, left))


def _span(cell: Tag, name: str) -> int:
    """How many columns or rows a cell spans, as browsers read it: digits first, at most a thousand; 0 rows: all that follow."""
    found = re.match(r"\s*\+?(\d{1,9})", str(cell.get(name) or ""), re.ASCII)
    number = int(found[1]) if found else 1
    if number == 0:
        return 1 if name == "colspan" else 1_000_000
    return min(number, _LONGEST_SPAN) if name == "colspan" else number


def _part(row: Tag) -> str:
    return row.parent.name if row.parent else ""


def _shown(row: Tag, table: Tag) -> bool:
    return not _is_hidden(row) and (row.parent is table or row.parent is None or not _is_hidden(row.parent))


def _is_hidden(element: Tag) -> bool:
    """Whether a browser shows nothing of an element."""
    if element.name in _NEVER or element.has_attr("hidden"):
        return True
    if element.name == "dialog" and not element.has_attr("open"):
        return True
    if _is_closed(element.parent):
        return element.name != "summary" or element.find_previous_sibling("summary") is not None
    style = element.get("style")
    if not style:
        return False
    said = dict(re.findall(r"(?:^|;)\s*(display|visibility)\s*:\s*([a-z-]+)", _UNCOMMENTED.sub("", str(style)).lower()))
    return said.get("display") == "none" or said.get("visibility") in ("hidden", "collapse")


def _is_closed(element: Tag | None) -> bool:
    return element is not None and element.name == "details" and not element.has_attr("open")


_UNCOMMENTED = re.compile(r"/\*.*?\*/", re.DOTALL)


def _in_pre(text: object, cell: Tag) -> bool:
    parent = getattr(text, "parent", None)
    while parent is not None and parent is not cell:
        if parent.name in ("pre", "listing", "xmp"):
            return True
        parent = parent.parent
    return False
