"""Pages of an API: which paginator an answer asks for, and whether an answer says that there is more.

The paginators are dlt's. Where a table declares none, this module looks into the first answer: at its headers and at
what stands beside the records. What it finds is followed; what it finds and cannot follow is an error, because a part
of the rows looks like all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sized
from dataclasses import dataclass
from typing import Any

import requests
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
)

from ..declared.source_error import quote_value
from .raw_json import Path

_NEXT = re.compile(
    r"(odata)?next(page|link|url|uri|href|cursor|token|pagetoken|pageurl|pagelink|pagecursor|offset|records?url)?|continuationtoken"
)
_WITHIN = {"next": ("href", "url", "link", "uri", "cursor"), "cursor": ("next", "after"), "cursors": ("next", "after")}
_MORE = {"hasmore", "hasnext", "hasnextpage", "hasmoreitems", "hasmorepages", "moreresults", "istruncated", "truncated"}
_RECORDS = "results?|items?|records?|elements?|rows?|entries|hits|matches|objects|docs|documents|features"
_TOTAL = re.compile(
    rf"total|odatacount|(total|overall|full)(number)?(of)?(count|{_RECORDS})|(nb|num|numberof)({_RECORDS}|found)|({_RECORDS})total"
)
_PAGES = re.compile(r"pages|(total|nb|num|numberof|last)pages?|pages?(count|total)")
_PAGE = {"page", "currentpage", "pagenumber", "pageno"}
_HEADERS = ("x-total-count", "x-total", "total-count")


@dataclass
class Signs:
    """What an answer says of its pages. Each is None where it says nothing of the kind; `next` and the paths also say where.

    Attributes:
        next: (path, value) of a reference to the next page.
        more: whether it says that there is more.
        total: records in all pages.
        pages: (path, number of pages).
        page: (path, number of this page).
        offset: (path, number of records before this page).
        limit: (path, records a page may have).
    """

    next: tuple[Path, Any] | None = None
    more: bool | None = None
    total: tuple[Path, int] | None = None
    pages: tuple[Path, int] | None = None
    page: tuple[Path, int] | None = None
    offset: tuple[Path, int] | None = None
    limit: tuple[Path, int] | None = None


def look(headers: Mapping[str, str], values: list[tuple[Path, Any]]) -> Signs:
    """What an answer says of its pages.

    Args:
        values: what stands beside the records: path and value.
    """
    signs = Signs()
    for path, value in values:
        name = _plain(path[-1])
        above = _plain(path[-2]) if len(path) > 1 else ""
        if (_NEXT.fullmatch(name) or name in _WITHIN.get(above, ())) and value is not None and value is not False:
            if value is True:
                signs.more = True
            elif value != "" and signs.next is None:
                signs.next = (path, value)
        elif name in _MORE:
            signs.more = signs.more or value is True or value == "true"
        elif name == "last" and isinstance(value, bool):
            signs.more = signs.more or not value
        elif (number := _number(value)) is not None:
            if _TOTAL.fullmatch(name) or (name == "value" and _TOTAL.fullmatch(above)):
                signs.total = signs.total or (path, number)
            elif _PAGES.fullmatch(name):
                signs.pages = signs.pages or (path, number)
            elif name in _PAGE:
                signs.page = signs.page or (path, number)
            elif name in ("offset", "skip", "start"):
                signs.offset = signs.offset or (path, number)
            elif name in ("limit", "take"):
                signs.limit = signs.limit or (path, number)
    for header in _HEADERS:
        number = _number(headers.get(header))
        if signs.total is None and number is not None:
            signs.total = ((header,), number)
    ranged = re.fullmatch(r"\w+ \d+-\d+/(\d+)", headers.get("content-range", ""))
    if signs.total is None and ranged:
        signs.total = (("content-range",), int(ranged[1]))
    return signs


def detect(answer: requests.Response, signs: Signs) -> BasePaginator | None:
    """The paginator that a first answer asks for; None: it names none that can be followed without being declared."""
    if answer.links.get("next"):
        return HeaderLinkPaginator()
    if signs.next and signs.more is not False:
        path, value = signs.next
        if isinstance(value, str) and re.match(r"https?://|/|\?", value):
            return JSONLinkPaginator(next_url_path=written(path))
        if isinstance(value, str | int):
            return JSONResponseCursorPaginator(cursor_path=written(path), cursor_param=_parameter(path))
    if signs.pages and signs.pages[1] > 1:
        first = signs.page[1] if signs.page and signs.page[1] < 2 else 0
        name = str(signs.page[0][-1]) if signs.page and _plain(signs.page[0][-1]) != "currentpage" else "page"
        return PageNumberPaginator(base_page=first, page_param=name, total_path=written(signs.pages[0]))
    if signs.total and signs.offset and signs.limit and signs.offset[1] == 0 and 0 < signs.limit[1] < signs.total[1]:
        (offset, _), (limit, most), (total, _) = signs.offset, signs.limit, signs.total
        if len(total) > 1 or total[0] not in (*_HEADERS, "content-range"):
            return OffsetPaginator(
                limit=most, offset_param=str(offset[-1]), limit_param=str(limit[-1]), total_path=written(total)
            )
    return None


def says_more(answer: requests.Response, signs: Signs, received: int) -> str | None:
    """What in an answer says that there are more records than the `received`, in words; None: nothing does."""
    if answer.links.get("next"):
        return "its Link header names a next page"
    if signs.next and signs.more is not False:
        return f"`{quote_value(written(signs.next[0]))}` names a next page"
    if signs.more:
        return "it says that there is more"
    if signs.total and signs.total[1] > received:
        return f"`{quote_value(written(signs.total[0]))}` is {signs.total[1]}, and {received} records came"
    if signs.pages and signs.pages[1] > 1:
        return f"`{quote_value(written(signs.pages[0]))}` is {signs.pages[1]}"
    return None


def is_round(records: Sized, signs: Signs) -> bool:
    """Whether an answer that says nothing of pages has as many records as a page usually has: 10, 25, 50, 64, 100 ..."""
    count = len(records)
    return signs == Signs() and count >= 10 and (count % 10 == 0 or count % 25 == 0 or count & (count - 1) == 0)


def written(path: Path) -> str:
    """A path as JSONPath."""
    return ".".join(part if re.fullmatch(r"[A-Za-z_]\w*", str(part)) else f'"{part}"' for part in map(str, path))


def _parameter(path: Path) -> str:
    """The query parameter that takes a reference to the next page: by its name without `next`."""
    name = str(path[-1])
    bare = re.sub(r"(?i)^next[_-]?", "", name)
    if not bare or _plain(name) in ("href", "after"):
        return "after" if _plain(name) == "after" else "cursor"
    return bare if bare == name or name[:5] in ("next_", "next-") else bare[0].lower() + bare[1:]


def _plain(name: str | int) -> str:
    return re.sub(r"[^a-z]", "", str(name).lower())


def _number(value: Any) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
