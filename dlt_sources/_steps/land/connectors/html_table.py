"""Tables in web pages: asked for politely, parsed by Beautiful Soup, and skipped when the page has not changed."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Collection, Iterator
from itertools import zip_longest

import requests

from ...contracts.columns import describe_missing, names_asked_for
from ...declared.connections import HtmlConnection
from ...declared.placeholders import expand
from ...declared.source_error import NEXT, RefusedError, SourceError, quote_value, redact_url
from ...web.http import session
from ..request import Request, UnchangedError
from .html_shown import SpanError, laid_out, rows_of

HEAD = 8192
"""Bytes of a page in which its encoding is looked for; browsers look into 1024."""
LONGEST_NAME = 300
"""Characters of a column's header."""
_WINDOWS = {n: bytes([n]).decode("cp1252", "ignore") or chr(n) for n in range(0x80, 0xA0)}
"""What browsers take the control characters of Latin 1 for: those of Windows, which is what such pages are in."""
_NO_TEXT = {"idna", "mbcs", "oem", "palmos", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
"""Python's encodings that no page has; to decode some of them takes time by the square of the length."""


def read(request: Request, connection: HtmlConnection) -> Iterator[dict[str, str]]:
    """The rows of a page's table: the column's name (`names_of`) to text, a line break in a cell as ``\\n``.

    Raises:
        UnchangedError: the site says so, or the page is the same byte for byte.
        SourceError: there is no such table.
        RefusedError: it lacks a column that the contract needs.
    """
    base = expand(connection.base_url, request.settings)
    address = base.rstrip("/") + "/" + (request.table.page or "").lstrip("/")
    url = redact_url(address)
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
    rows = table(_decoded(page, kind, url), request.table.selector, url, names_asked_for(request.contract))
    if lack := describe_missing(request.contract, rows[0], quote_value(", ".join(rows[0]))):
        raise RefusedError(f"{url}: the table has {lack}. {NEXT}")
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
        if codecs.lookup(encoding).name == "iso8859-1":
            text = text.translate(_WINDOWS)
    except (UnicodeError, LookupError) as error:
        raise SourceError(
            f"{url}: the page is not in its encoding {quote_value(encoding)} ({quote_value(error)}); {NEXT}"
        ) from None
    if "<html" in text.lower() and "</html" not in text.lower():
        raise SourceError(f"{url}: the page was cut off after {len(page)} bytes: it has no end; {NEXT}")
    return text


def table(page: str, selector: str, url: str, wanted: Collection[str] = ()) -> list[dict[str, str]]:
    """The rows of the first table that `selector` finds.

    Args:
        wanted: names that columns are asked for by, see `names_of`.

    Raises:
        SourceError: no such table, no header, a row with another number of cells than the header, or no rows.
    """
    from bs4 import BeautifulSoup

    found = BeautifulSoup(page, "lxml").select_one(selector)
    if found is None:
        login = re.search(r"<input[^>]*password", page, re.I) is not None
        why = (
            "it asks for a login: check the address and the headers" if login else "check the address and the selector"
        )
        raise SourceError(
            f"{url}: no table at {selector!r} in the page ({len(page)} characters); {why}; {NEXT}", lasting=login
        )
    head, body = rows_of(found)
    heads = [
        " ".join(dict.fromkeys(filter(None, column))) for column in zip_longest(*laid_out(head, None), fillvalue="")
    ]
    if longest := next((text for text in heads if len(text) > LONGEST_NAME), None):
        raise SourceError(
            f"{url}: a header of {len(longest)} characters is not a column's name: {longest[:50]}...; {NEXT}"
        )
    names = names_of(heads, wanted)
    if not names or len(set(names)) < len(names):
        raise SourceError(
            f"{url}: the table's header is not usable: {quote_value(', '.join(names) or 'there is none')}; {NEXT}"
        )
    try:
        rows = laid_out(body, len(names))
    except SpanError as error:
        raise SourceError(f"{url}: {quote_value(error)}; {NEXT}") from None
    made = [dict(zip(names, row, strict=True)) for row in rows if row != heads]  # long tables repeat their header
    if not made:
        raise SourceError(f"{url}: the table at {selector!r} has no rows; {NEXT}")
    return made


def names_of(heads: list[str], wanted: Collection[str]) -> list[str]:
    """A name per column: the one of those that it may have that is wanted, else its header in snake case.

    A header may be asked for as the page says it (``Fit/Cup Type``), in snake case (``fit_cup_type``), and where it holds
    a bracket or a slash by its first word (``fit_cup``).
    """
    usual = [snake_case(text) or text or f"column_{place}" for place, text in enumerate(heads, 1)]
    first = [snake_case((text.split() or [""])[0]) if re.search(r"[(/]", text) else "" for text in heads]
    given: dict[int, str] = {}
    for ways in (heads, usual, first):
        for place, name in enumerate(ways):
            if place not in given and name in wanted and (name not in given.values() or ways is not first):
                given[place] = name
    return [given.get(place, name) for place, name in enumerate(usual)]


def snake_case(header: str) -> str:
    """``Price (MSRP)`` as ``price``, ``Tone Grade`` as ``tone_grade``."""
    words = re.sub(r"\(.*?\)", " ", header)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", words)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
