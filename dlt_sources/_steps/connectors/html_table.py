"""Tables in web pages: asked for politely, parsed by Beautiful Soup, and skipped when the page has not changed."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator

import requests

from ..columns import lacking
from ..http import session
from ..request import Request, UnchangedError, expand
from ..source_error import NEXT, SourceError, shown
from ..source_yml import HtmlConnection

HEAD = 8192
"""Bytes of a page in which its encoding is looked for; browsers look into 1024."""
LONGEST_NAME = 300
"""Characters of a column's header."""
_NO_TEXT = {"idna", "mbcs", "oem", "palmos", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
"""Python's encodings that no page has; to decode some of them takes time by the square of the length."""


def read(request: Request, connection: HtmlConnection) -> Iterator[dict[str, str]]:
    """The rows of a page's table: header in snake case to text, a line break in a cell as ``\\n``.

    Raises:
        UnchangedError: the site says so, or the page is the same byte for byte.
        SourceError: there is no such table, or it lacks a column that the contract needs.
    """
    base = expand(connection.base_url, request.settings)
    address = base.rstrip("/") + "/" + (request.table.page or "").lstrip("/")
    url = shown(address)
    memory = request.memory if request.table.skip_if_unchanged else {}
    asked = {"If-None-Match": memory.get("etag"), "If-Modified-Since": memory.get("last_modified")}
    http = session(connection, request.settings, base)
    with http.get(address, headers={k: v for k, v in asked.items() if v}, stream=True) as answer:
        if answer.status_code == requests.codes.not_modified:
            raise UnchangedError(url)
        page = answer.content
        kind = answer.headers.get("content-type", "")
    digest = hashlib.sha256(page).hexdigest()
    if memory.get("sha256") == digest:
        raise UnchangedError(url)
    if page.count(b"<") > connection.max_tags:
        raise SourceError(
            f"{url}: more than {connection.max_tags} tags; if that is right, raise `max_tags` in source.yml. {NEXT}"
        )
    rows = table(_decoded(page, kind, url), request.table.selector, url)
    if lack := lacking(request.contract, rows[0], ", ".join(rows[0])):
        raise SourceError(f"{url}: the table has {lack}. {NEXT}")
    request.received.append((url, page))
    yield from rows
    request.memory.update(
        etag=answer.headers.get("etag"), last_modified=answer.headers.get("last-modified"), sha256=digest
    )


def _decoded(page: bytes, content_type: str, url: str) -> str:
    """The page as text, in the encoding it declares (UTF-8 when it declares none).

    Raises:
        SourceError: it is not in that encoding, or it was cut off: half a page would look like deletions.
    """
    from bs4.dammit import EncodingDetector

    named = re.search(r"charset=[\"']?([\w-]+)", content_type)
    declared = EncodingDetector.find_declared_encoding(page[:HEAD], is_html=True, search_entire_document=True)
    encoding = (named[1] if named else declared or "utf-8")[:40]
    try:
        if codecs.lookup(encoding).name in _NO_TEXT:
            raise LookupError("not an encoding of pages")
        text = page.decode(encoding)
    except (UnicodeError, LookupError) as error:
        raise SourceError(f"{url}: the page is not in its encoding {encoding} ({error}); {NEXT}") from None
    if "<html" in text.lower() and "</html" not in text.lower():
        raise SourceError(f"{url}: the page was cut off after {len(page)} bytes: it has no end; {NEXT}")
    return text


def table(page: str, selector: str, url: str) -> list[dict[str, str]]:
    """The rows of the first table that `selector` finds.

    Raises:
        SourceError: no such table, no header, a row with another number of cells than the header, or no rows.
    """
    from bs4 import BeautifulSoup, Tag

    found = BeautifulSoup(page, "lxml").select_one(selector)
    if found is None:
        login = re.search(r"<input[^>]*password", page, re.I) is not None
        why = (
            "it asks for a login: check the address and the headers" if login else "check the address and the selector"
        )
        raise SourceError(
            f"{url}: no table at {selector!r} in the page ({len(page)} characters); {why}; {NEXT}", lasting=login
        )
    head = found.select_one("thead") or found.select_one("tr:has(th)")
    heads = [_text(cell) for cell in head.select("th")] if isinstance(head, Tag) else []
    if longest := next((text for text in heads if len(text) > LONGEST_NAME), None):
        raise SourceError(
            f"{url}: a header of {len(longest)} characters is no column's name: {longest[:50]}...; {NEXT}"
        )
    names = [snake_case(text) for text in heads]
    if not names or len(set(names)) < len(names):
        raise SourceError(f"{url}: the table's header is not usable: {', '.join(names) or 'there is none'}; {NEXT}")
    rows = []
    for line in found.select("tbody > tr") or found.select("tr:has(td)"):
        cells = [_text(cell) for cell in line.find_all("td", recursive=False)]
        if len(cells) != len(names):
            raise SourceError(f"{url}: a row with {len(cells)} cells under {len(names)} headers: {cells[:3]}; {NEXT}")
        rows.append(dict(zip(names, cells, strict=True)))
    if not rows:
        raise SourceError(f"{url}: the table at {selector!r} has no rows; {NEXT}")
    return rows


def snake_case(header: str) -> str:
    """``Price (MSRP)`` as ``price``, ``Tone Grade`` as ``tone_grade``."""
    words = re.sub(r"\(.*?\)", " ", header)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", words)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _text(cell: object) -> str:
    """A cell's text as a browser shows it: what a <br> divides stays divided, other white space is one blank."""
    from bs4 import Tag
    from bs4.element import NavigableString

    assert isinstance(cell, Tag)
    parts = []
    for part in cell.descendants:
        if isinstance(part, Tag) and part.name == "br":
            parts.append("\n")
        elif isinstance(part, NavigableString):
            parts.append(re.sub(r"\s+", " ", part))
    lines = (re.sub(r" +", " ", line).strip() for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)
