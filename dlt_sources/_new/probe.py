"""What an API's first answers say: where the records are, and how to ask for the next page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

from .._steps.connections import RestConnection
from .._steps.http import name_settings, session
from .._steps.paging import detect, is_round, look, says_more, written
from .._steps.raw_json import NotJsonError, load, scalars, utf8
from .._steps.request import expand
from .._steps.selector import Selector
from .origin import Origin, as_page, window_of
from .sample_error import SampleError

_LISTS = (
    "data",
    "results",
    "items",
    "records",
    "rows",
    "value",
    "values",
    "content",
    "entries",
    "elements",
    "objects",
    "hits",
    "list",
)
_DEEPEST = 4
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


def find_records(content: Any, table: str) -> str:
    """JSONPath of the records in an answer: a list of objects, the values of a map, or the answer itself.

    Raises:
        SampleError: it holds no object at all.
    """
    if isinstance(content, list):
        return "$"
    if not isinstance(content, dict) or not content:
        raise SampleError(f"the answer is {type(content).__name__}, or an empty object: there is no record in it")
    if _is_map(content):
        return "$.*"
    lists = list(_lists(content, ()))
    if lists:
        path, _ = min(lists, key=lambda found: _rank(found[0], found[1], table))
        return written(path)
    wrapped = [
        (name, value) for name, value in content.items() if isinstance(value, dict) and name.lower() in (*_LISTS, table)
    ]
    if len(wrapped) == 1:
        return f"{written((wrapped[0][0], next(iter(wrapped[0][1]))))}.`parent`"
    return f"{written((next(iter(content)),))}.`parent`"


def _is_map(content: Mapping[str, Any]) -> bool:
    """Whether an object's values are records under keys of their own: three or more objects that have most keys in common."""
    objects = [set(value) for value in content.values() if isinstance(value, dict)]
    if len(objects) < len(content) or len(objects) <= 2:
        return False
    return len(set.intersection(*objects)) > max(1, len(set.union(*objects)) / 2)


def _lists(content: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Lists of objects, and empty ones, by their path."""
    for name, value in content.items():
        if isinstance(value, list) and all(isinstance(part, dict) for part in value):
            yield (*path, name), value
        elif isinstance(value, dict) and len(path) < _DEEPEST:
            yield from _lists(value, (*path, name))


def _rank(path: tuple[str, ...], value: list[Any], table: str) -> tuple[int, int, int]:
    """Which list is more likely to hold the records: by its name, how deep it is, how long."""
    name = path[-1].lower()
    known = 0 if name == table else 1 + _LISTS.index(name) if name in _LISTS else len(_LISTS) + 1
    side = name in ("errors", "links", "warnings", "included", "facets", "messages")
    return (2 if side else 0 if known <= len(_LISTS) else 1, len(path), -len(value))


class Asking:
    """Asks an endpoint, politely: a handful of times."""

    def __init__(self, origin: Origin, settings: Settings, params: Mapping[str, str], attempts: int = 2) -> None:
        connection = RestConnection.model_validate(origin.connection).model_copy(
            update={"attempts": attempts, "max_megabytes": 50}
        )
        base = expand(connection.base_url, settings)
        secrets = [value for value in params.values() if isinstance(value, str)]
        self.http = session(connection, settings, base, secrets=secrets)
        self.http.hooks["response"].append(self._keep_challenge)
        self.origin = origin
        self.advice = name_settings(connection, secrets)
        self.url = join_url(base, origin.place["endpoint"]["path"])
        self.params = {name: expand(value, settings) for name, value in params.items()}

    def _keep_challenge(self, answer: requests.Response, **_: Any) -> None:
        self.origin.challenge = answer.headers.get("www-authenticate", "")

    def get(self, more: Mapping[str, Any]) -> requests.Response:
        """The answer to the request with these parameters, too."""
        return self.http.get(self.url, params={**self.params, **more})

    def find_pages(self, first: Answer, selector: str, origin: Origin) -> dict[str, Any] | str | None:
        """The paginator that the answer asks for, or that trying finds; None: nothing says that there are pages."""
        records = Selector(selector).find(first.body)
        is_object = isinstance(first.content, dict)
        signs = look(first.response.headers, list(scalars(first.body)) if is_object else [])
        if made := detect(first.response, signs):
            return _written_out(made)
        if "`parent`" in selector or selector == "$.*":
            return "single_page"
        more = says_more(first.response, signs, len(records))
        likely = more or is_round(records, signs) or _has_limit(self.params)
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

    def _records(self, selector: str, more: Mapping[str, Any]) -> set[bytes]:
        try:
            answer = self.get(more)
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
