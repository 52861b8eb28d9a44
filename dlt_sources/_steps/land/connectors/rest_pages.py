"""The pages that one request to a REST API leads to: dlt's paginators over an HTTP session, each record to the letter."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
import requests
from dlt.sources.helpers.rest_client.paginators import (
    BaseNextUrlPaginator,
    BasePaginator,
    PageNumberPaginator,
    RangePaginator,
)
from dlt.sources.rest_api.config_setup import create_paginator

from ...declared.endpoint import Endpoint
from ...declared.source_error import NEXT, SourceError, quote_url, quote_value
from ...web.paging import Signs, detect, is_round, look, says_more
from ...web.raw_json import NotJsonError, load, scalars, utf8
from ...web.selector import Selector

_NO_PAGE = (
    requests.codes.bad_request,
    requests.codes.not_found,
    requests.codes.requested_range_not_satisfiable,
    requests.codes.unprocessable_entity,
)
"""What an API answers for a page before its first."""
_PAST_THE_END = (requests.codes.not_found, requests.codes.requested_range_not_satisfiable)


@dataclass
class Page:
    """One answer taken apart.

    Attributes:
        records: as they came.
        body: the answer in UTF-8.
        empty: it has no body at all: there is no such page.
    """

    records: list[msgspec.Raw]
    body: bytes = b""
    empty: bool = False


class Pages:
    """The pages of one request.

    Args:
        advice: the settings to check where the source answers with something else.

    Attributes:
        total: records in all pages, where the answers say so.
        received: records that came. taken: answers that were pages, or a look for more.
        note: what people should know of a read without a paginator.
    """

    def __init__(self, endpoint: Endpoint, advice: str) -> None:
        self.endpoint, self.advice = endpoint, advice
        self.paginator: BasePaginator | None = None
        try:
            self.selector = _selector(endpoint.data_selector)
            self.paginator = _declared(endpoint)
        except ValueError as error:
            raise SourceError(f"the endpoint {endpoint.path!r} cannot be read: {error}", lasting=True) from None
        named = endpoint.paginator if isinstance(endpoint.paginator, dict) else {}
        self.unsure_base = isinstance(self.paginator, PageNumberPaginator) and not {"base_page", "page"} & set(named)
        self.detects = self.paginator is None
        self.total: int | None = None
        self.note: str | None = None
        self.received = self.number = self.taken = 0
        self.digests: dict[bytes, int] = {}

    def follow(self, http: requests.Session, request: requests.Request) -> Iterator[Page]:
        """Page after page, until the paginator or the source says that it was the last one."""
        if self.paginator:
            self.paginator.init_request(request)
        while True:
            self.number += 1
            page, answer = self._ask(http, request)
            if self.unsure_base and self.number == 1 and not page.records:
                self._count_from_one(request)
                continue
            if page.empty or answer is None:
                return
            signs = self._look(page, answer)
            if self.paginator is None and (found := detect(answer, signs)):
                self._start(found, signs)
            same = self._find_same(page)
            if same and not (self.unsure_base and self.number == 2):
                raise self._fault(
                    answer,
                    f"page {self.number} is page {same} again: the server does not know the parameter"
                    " that asks for the next page; declare its `paginator` in source.yml",
                )
            if same:  # what was asked for as page 0, or without a number, was page 1
                self._set_base(1)
            else:
                self.received += len(page.records)
                yield page
            if self.paginator is None or not self._go_on(self.paginator, answer, page, request):
                self._refuse_a_part(answer, signs)
                if self.detects and self.paginator is None and is_round(page.records, signs):
                    self._ask_for_more(http, request, page, answer)
                return

    def find_fault(self, answer: requests.Response) -> SourceError | None:
        """Why a successful answer is not a page of records, or None; the page is kept with the answer."""
        if "page" in vars(answer):
            return None
        if answer.status_code in (requests.codes.no_content, requests.codes.reset_content):
            answer.page = Page([], empty=True)  # type: ignore[attr-defined]
            return None
        if not answer.content.strip():
            if self.number > 1:
                answer.page = Page([], empty=True)  # type: ignore[attr-defined]
                return None
            return self._fault(answer, "the answer has no body", lasting=False)
        kind = answer.headers.get("content-type", "no content type")
        try:
            body = utf8(answer.content, requests.utils.get_encoding_from_headers(answer.headers))
            if body.lstrip()[:1] == b"<":
                return self._fault(
                    answer,
                    f"it answers with a page, not JSON ({quote_value(kind)}): a login or an error; check {self.advice}",
                )
            answer.page = Page(self.selector.find(body), body)  # type: ignore[attr-defined]
        except NotJsonError as error:
            size = f"{len(answer.content)} bytes"
            return self._fault(
                answer,
                f"the answer is not whole JSON ({quote_value(kind)}, {size}): {error.text}",
                lasting=not error.cut,
            )
        except LookupError as error:
            return self._fault(answer, str(error.args[0]))
        return None

    def _ask(self, http: requests.Session, request: requests.Request) -> tuple[Page, requests.Response | None]:
        """The page that the request asks for; an empty one where the source refuses it because there is none."""
        prepared = http.prepare_request(request)
        options = http.merge_environment_settings(prepared.url or "", {}, None, None, None)
        try:
            answer = http.send(prepared, **options)
        except SourceError as error:
            before_first = self.unsure_base and self.number == 1 and error.status in _NO_PAGE
            counts = isinstance(self.paginator, RangePaginator) and self.paginator.total_path is None
            if before_first or (counts and self.received and error.status in _PAST_THE_END):
                return Page([], empty=True), None
            raise
        self.taken += 1
        if self.taken > self.endpoint.max_pages:
            raise self._fault(
                answer,
                f"there are still more after {self.endpoint.max_pages} pages; if that is right, raise `max_pages` in source.yml",
            )
        page: Page = vars(answer)["page"]
        content: list[Any] = []

        def whole(**_: Any) -> Any:
            if not content:
                content.append(load(page.body))
            return content[0]

        answer.json = whole  # type: ignore[method-assign]
        return page, answer

    def _look(self, page: Page, answer: requests.Response) -> Signs:
        """What the answer says of its pages."""
        is_object = page.body.lstrip()[:1] == b"{"
        signs = look(answer.headers, list(scalars(page.body)) if is_object else [])
        self.total = signs.total[1] if signs.total else self.total
        return signs

    def _start(self, found: BasePaginator, signs: Signs) -> None:
        """Go on from the first page, which was asked for without a paginator."""
        self.paginator = found
        if isinstance(found, PageNumberPaginator):
            self.unsure_base = signs.page is None

    def _count_from_one(self, request: requests.Request) -> None:
        """There is no page 0: this API counts from 1."""
        self.unsure_base, self.number = False, 0
        self._set_base(1)
        assert self.paginator is not None
        self.paginator.update_request(request)

    def _set_base(self, base: int) -> None:
        assert isinstance(self.paginator, RangePaginator)
        self.paginator.base_index = self.paginator.initial_value = self.paginator.current_value = base

    def _go_on(
        self, paginator: BasePaginator, answer: requests.Response, page: Page, request: requests.Request
    ) -> bool:
        """Whether there is a next page; the request then asks for it."""
        try:
            paginator.update_state(answer, page.records)
        except ValueError as error:  # its text ends with the whole answer
            why = str(error).split(", got")[0]
            raise self._fault(
                answer, f"the paginator in source.yml does not fit the answer: {quote_value(why)}"
            ) from None
        if paginator.has_next_page:
            paginator.update_request(request)
        return paginator.has_next_page

    def _find_same(self, page: Page) -> int | None:
        """The number of an earlier page with the very same records, where the page was asked for by a parameter."""
        if not page.records or isinstance(self.paginator, BaseNextUrlPaginator):
            return None
        digest = hashlib.md5(b"\0".join(map(bytes, page.records)), usedforsecurity=False).digest()
        earlier = self.digests.setdefault(digest, self.number)
        return earlier if earlier != self.number else None

    def _refuse_a_part(self, answer: requests.Response, signs: Signs) -> None:
        """Raise where one page was read and the answer says that there are more: a part must not look like the whole."""
        if self.endpoint.paginator == "single_page" or (self.received and not (self.detects and self.number == 1)):
            return
        if why := says_more(answer, signs, self.received):
            raise self._fault(
                answer,
                f"{why}, and nothing says how to ask for more; declare the endpoint's `paginator` in source.yml"
                " (docs/how-to.md), or `paginator: single_page` if this is all",
            )

    def _ask_for_more(
        self, http: requests.Session, request: requests.Request, page: Page, answer: requests.Response
    ) -> None:
        """Refuse what looks like the first of several pages, if the usual parameters bring others; a note where that is not known.

        An answer with an object around its list would say that there is more, in one way or another; a bare list cannot.
        """
        first, count = set(map(bytes, page.records)), len(page.records)
        self.note = (
            f"no paginator was found, and {count} rows came in one answer; if the API has more, declare the endpoint's"
            " `paginator`, and if this is all, `paginator: single_page`"
        )
        if page.body.lstrip()[:1] != b"[":
            return
        for name, value in (("page", 2), ("offset", count)):
            found = set() if name in request.params else self._try(http, request, {name: value})
            if found <= first:
                continue
            if self._try(http, request, {}) != first:
                return  # each answer has other rows, whatever is asked
            raise self._fault(
                answer,
                f"{count} rows came, and `{name}={value}` brings others: the API has pages and does not say so; declare the"
                " endpoint's `paginator` in source.yml (docs/how-to.md), or `paginator: single_page` if this is all",
            )
        self.note = None

    def _try(self, http: requests.Session, request: requests.Request, more: dict[str, Any]) -> set[bytes]:
        """The records that the same request brings with other parameters; none where it is refused."""
        asked_for = requests.Request(
            request.method, request.url, params={**request.params, **more}, json=copy.deepcopy(request.json)
        )
        try:
            return set(map(bytes, self._ask(http, asked_for)[0].records))
        except SourceError:
            return set()

    def _fault(self, answer: requests.Response, why: str, *, lasting: bool = True) -> SourceError:
        return SourceError(f"{quote_url(answer.url)}: {why}; {NEXT}", lasting=lasting)


_selector = lru_cache(Selector)


def _declared(endpoint: Endpoint) -> BasePaginator | None:
    """The declared paginator; None: it is to be detected. Without a declared total, dlt's counting ones go on until a page is empty.

    Raises:
        ValueError: it cannot be used.
    """
    config: Any = endpoint.paginator
    if isinstance(config, dict) and config.get("type") in ("page_number", "offset"):
        config = {"total_path": None, **config}
    try:
        return create_paginator(config)
    except (TypeError, KeyError) as error:
        raise ValueError(f"paginator: {error}") from None
