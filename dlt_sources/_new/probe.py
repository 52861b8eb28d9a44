"""What an API's first answers say: where the records are, and how to ask for the next page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests
from dlt.sources.helpers.rest_client.paginators import (
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
)
from dlt.sources.helpers.rest_client.utils import join_url

from settings import Settings

from .._steps.declared.connections import RestConnection
from .._steps.declared.placeholders import expand, fill, texts
from .._steps.web.http import name_settings, session
from .._steps.web.paging import Signs, detect, is_round, look, says_more
from .._steps.web.raw_json import NotJsonError, load, scalars, utf8
from .._steps.web.selector import Selector
from . import bodies
from .answers import find_records, list_lost_names
from .origin import Origin, as_page, window_of
from .sample_error import SampleError

_COUNTING = (
    ("page", "page_number"),
    ("offset", "offset"),
    ("p", "page_number"),
    ("skip", "offset"),
    ("start", "offset"),
    ("pageNumber", "page_number"),
)
_AFTER = ("starting_after", "after", "after_id", "since_id", "last_id", "start_after", "cursor")
"""Parameters that take the last record's id."""
_LIMITS = ("limit", "per_page", "page_size", "pageSize", "size", "take", "count")


@dataclass
class Answer:
    """An answer in JSON."""

    response: requests.Response
    body: bytes
    content: Any


def probe(origin: Origin, settings: Settings) -> Origin:
    """The origin of an API with its records and pages found; of a page, the same as a page.

    Raises:
        SampleError: it answers with something else, or without a record.
        SourceError: it could not be reached, or refused.
    """
    endpoint = dict(origin.place["endpoint"])
    asking = Asking(origin, settings, endpoint.get("params", {}))
    response = asking.get({})
    text = response.content.lstrip()[:200].lower()
    if text.startswith(b"<") and b"<?xml" not in text:
        return as_page(origin)
    first = as_json(response, origin)
    selector = find_records(first.content, origin.table)
    records = Selector(selector).find(first.body)
    if not records:
        raise SampleError(
            f"--from {origin.text}: the answer has no record (at data_selector {selector!r}): there is nothing to infer a"
            " contract from. Ask for a span or a filter that has rows, such as `?since=2026-01-01`"
        )
    if selector != "$":
        endpoint["data_selector"] = selector
    if selector.endswith(".*"):
        origin.notes += list_lost_names(first.content)
    if found := asking.find_pages(first, selector, origin):
        endpoint["paginator"] = found
    place: dict[str, Any] = {"endpoint": endpoint}
    if window := window_of(endpoint.get("params", {})):
        endpoint["window"], place["start"] = window
        origin.asked = endpoint["params"]
        others = {
            n: v for n, v in endpoint.pop("params").items() if n not in (window[0]["since"], window[0].get("until"))
        }
        endpoint |= {"params": others} if others else {}
    origin.place = place
    return origin


def as_json(response: requests.Response, origin: Origin) -> Answer:
    """The answer taken apart.

    Raises:
        SampleError: it is not JSON.
    """
    try:
        body = utf8(response.content, requests.utils.get_encoding_from_headers(response.headers))
        return Answer(response, body, load(body))
    except NotJsonError as error:
        what = (
            "is empty"
            if not response.content.strip()
            else f"is not JSON ({response.headers.get('content-type', 'no content type')}): {error}"
        )
        raise SampleError(
            f"--from {origin.text}: the answer {what}. An API has to answer in JSON; a file's address ends in .csv, .xlsx or"
            " .parquet; a page needs --selector"
        ) from None


class Asking:
    """Asks an endpoint, politely: a handful of times."""

    def __init__(self, origin: Origin, settings: Settings, params: Mapping[str, str], attempts: int = 2) -> None:
        connection = RestConnection.model_validate(origin.connection).model_copy(
            update={"attempts": attempts, "max_megabytes": 50}
        )
        base = expand(connection.base_url, settings)
        secrets = list(texts((dict(params), origin.place["endpoint"].get("json"))))
        self.http = session(connection, settings, base, secrets=secrets)
        self.http.hooks["response"].append(self._keep_challenge)
        self.origin = origin
        self.advice = name_settings(connection, secrets)
        self.url = join_url(base, origin.place["endpoint"]["path"])
        self.params = {name: expand(value, settings) for name, value in params.items()}
        self.body = fill(origin.place["endpoint"].get("json"), settings)

    def _keep_challenge(self, answer: requests.Response, **_: Any) -> None:
        self.origin.challenge = answer.headers.get("www-authenticate", "")

    def get(self, more: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> requests.Response:
        """The answer to the request with these parameters, too, and these changes of its body."""
        params = {**self.params, **more}
        if self.body is None:
            return self.http.get(self.url, params=params)
        return self.http.post(self.url, params=params, json=bodies.changed(self.body, changes or {}))

    def find_pages(self, first: Answer, selector: str, origin: Origin) -> dict[str, Any] | str | None:
        """The paginator that the answer asks for, or that trying finds; None: nothing says that there are pages."""
        records = Selector(selector).find(first.body)
        is_object = isinstance(first.content, dict)
        signs = look(first.response.headers, list(scalars(first.body)) if is_object else [])
        made = detect(first.response, signs)
        if isinstance(made, HeaderLinkPaginator | JSONLinkPaginator) or (made and self.body is None):
            return _written_out(made)
        if "`parent`" in selector or selector.endswith(".*"):
            return "single_page"
        more = says_more(first.response, signs, len(records))
        likely = more or is_round(records, signs) or _has_limit(self.params)
        if self.body is not None and (found := self._try_body(selector, records, signs)):
            return found
        if made:
            return _written_out(made)
        if likely and (found := self._try_counting(selector, set(map(bytes, records)), len(records))):
            return found
        if signs.more and (found := self._try_last(selector, records)):
            return found
        if more:
            origin.notes.append(
                f"{more}, and nothing that was tried brings it: only the first page is read until the endpoint's `paginator` is"
                " declared (docs/how-to.md, Pages of an API)"
            )
            return "single_page"  # with none a run would refuse the answer
        return None

    def _try_body(self, selector: str, records: Sequence[Any], signs: Signs) -> dict[str, Any] | None:
        """The paginator that changes the body."""
        first = set(map(bytes, records))
        return bodies.find_pages(
            self.body, lambda changes: self._records(selector, {}, changes), first, len(records), signs
        )

    def _try_counting(self, selector: str, first: set[bytes], count: int) -> dict[str, Any] | None:
        """The parameter that brings other records, where the same request brings the same again."""
        for name, kind in _COUNTING:
            if name in self.params:
                continue
            found = self._records(selector, {name: 2 if kind == "page_number" else count})
            if not found or found <= first or found & first:
                continue
            if self._records(selector, {}) != first:
                return None  # each answer has other records, whatever is asked
            if kind == "page_number":
                return {
                    "type": kind,
                    "page_param": name,
                    "base_page": 0
                    if self._records(selector, {name: 0}) == first and self._records(selector, {name: 1}) != first
                    else 1,
                    "total_path": None,
                }
            limit = next((param for param in _LIMITS if param in self.params), "limit")
            return {"type": kind, "offset_param": name, "limit": count, "limit_param": limit, "total_path": None}
        return None

    def _try_last(self, selector: str, records: Sequence[Any]) -> dict[str, Any] | None:
        """The parameter that, with the last record's id, brings the records behind it."""
        last = load(bytes(records[-1]))
        named = (name for name in ("id", "_id", "uuid", "key") if isinstance(last, dict) and last.get(name))
        first = set(map(bytes, records))
        for field in named:
            for name in _AFTER:
                found = self._records(selector, {name: last[field]})
                if not found or found & first or name in self.params:
                    continue
                if self._records(selector, {}) == first:  # and not other records at each answer
                    return {"type": "cursor", "cursor_path": f"{selector}[-1].{field}", "cursor_param": name}
        return None

    def _records(self, selector: str, more: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> set[bytes]:
        try:
            answer = self.get(more, changes)
            body = utf8(answer.content, requests.utils.get_encoding_from_headers(answer.headers))
            return set(map(bytes, Selector(selector).find(body)))
        except Exception:  # whatever it is: this parameter brings no page
            return set()


def _has_limit(params: Mapping[str, Any]) -> bool:
    return any(name in params for name in _LIMITS)


def _written_out(made: Any) -> dict[str, Any] | None:
    """A paginator as source.yml declares it."""
    if isinstance(made, HeaderLinkPaginator):
        return {"type": "header_link"}
    if isinstance(made, JSONLinkPaginator):
        return {"type": "json_link", "next_url_path": str(made.next_url_path)}
    if isinstance(made, JSONResponseCursorPaginator):
        return {"type": "cursor", "cursor_path": str(made.cursor_path), "cursor_param": made.cursor_param}
    if isinstance(made, (PageNumberPaginator, OffsetPaginator)):
        return None  # which page is the first, the read finds by itself
    return None
