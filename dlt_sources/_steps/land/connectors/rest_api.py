"""REST APIs: an endpoint's records, asked for once, or once for each record of another table (parents.py)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
import requests
from dlt.sources.helpers.rest_client.utils import join_url

from ...declared.connections import RestConnection
from ...declared.placeholders import expand, texts
from ...declared.source_error import GONE, NEXT, SourceError
from ...web.http import name_settings, session
from ..parents import Parents, put_beside
from ..request import Request
from ..turn import MORE, Postponed
from . import spans
from .rest_pages import Page, Pages

MANY = 1_000
"""Requests of one read for the records of another table, of which people are told."""
_OF_A_SAMPLE = 5
"""Records of another table that a sample asks for."""
_FEW = 2
"""Fewer records say nothing of what a source sends."""


def read(request: Request, connection: RestConnection) -> Iterator[msgspec.Raw | Postponed]:
    """The records of an endpoint, page by page, each as the text that it came in.

    Raises:
        SourceError: an answer is not what was declared, or says that there is more than was read.
    """
    if request.parents is not None:
        yield from _read_each(request, connection, request.parents)
        return
    reader = _Reader(request, connection)
    assert request.table.endpoint is not None
    for page in reader.follow(request.table.endpoint.path, reader.params):
        request.pages, request.total = request.pages + 1, reader.pages.total
        yield from page.records
    if reader.pages.note:
        request.notes.append(f"{reader.name}: {reader.pages.note}")


class _Reader:
    """The session of one read, and what its requests have in common.

    Attributes:
        pages: those of the request that is being answered.
    """

    def __init__(self, request: Request, connection: RestConnection) -> None:
        endpoint = request.table.endpoint
        assert endpoint is not None
        self.endpoint, self.name = endpoint, f"{request.source.name}.{request.name}"
        self.base = expand(connection.base_url, request.settings)
        self.params, self.body = spans.fill_in(endpoint, request)
        secrets = list(texts((endpoint.params, endpoint.body)))
        self.advice = name_settings(connection, secrets)
        self.pages = Pages(endpoint, self.advice)
        self.http = session(connection, request.settings, self.base, self._find_fault, secrets=secrets)
        request.pages, request.total = 0, None

    def follow(self, path: str, params: dict[str, Any]) -> Iterator[Page]:
        """The pages of one request, each with its records."""
        self.pages = Pages(self.endpoint, self.advice)
        body = copy.deepcopy(self.body)  # paginators write into it
        asked = requests.Request(self.endpoint.method, join_url(self.base, path), params=dict(params), json=body)
        return self.pages.follow(self.http, asked)

    def _find_fault(self, answer: requests.Response) -> SourceError | None:
        return self.pages.find_fault(answer)


def _read_each(request: Request, connection: RestConnection, parents: Parents) -> Iterator[msgspec.Raw | Postponed]:
    """The records of an endpoint for each record of another table, after all of these have come. One that is gone meanwhile
    (404, 410) has none.

    Raises:
        SourceError: see `read`; or no record of the other table has a value that the endpoint is asked with.
    """
    if request.ahead:
        yield MORE
    parents.finish()
    reader = _Reader(request, connection)
    _refuse_lacking(reader, parents)
    noted: list[str] = []
    asked = gone = requested = 0
    for one in islice(parents.requests(reader.params), _OF_A_SAMPLE if request.most else None):
        asked, pages = asked + 1, 0
        try:
            for page in reader.follow(one.path, one.params):
                pages += bool(page.records)
                request.pages = max(request.pages, pages)
                yield from (put_beside(record, one.beside) for record in page.records)
        except SourceError as error:
            if error.status not in GONE or reader.pages.received:
                raise
            gone += 1
        requested += max(reader.pages.taken, 1)
        noted += [reader.pages.note] if reader.pages.note else []
    request.notes += [f"{reader.name}: {text}" for text in _notes(parents, asked, requested, gone, noted)]


def _refuse_lacking(reader: _Reader, parents: Parents) -> None:
    """Raise where a placeholder names what none of the records has."""
    if parents.lacking == parents.records >= _FEW:
        holes = ", ".join(f"{{{name}}}" for name in parents.places)
        raise SourceError(
            f"{reader.name}: none of the {parents.records} records of {parents.endpoint.for_each} has what {holes} stands"
            f" for; correct the endpoint in source.yml. {NEXT}",
            lasting=True,
        )


def _notes(parents: Parents, asked: int, requested: int, gone: int, noted: list[str]) -> Iterator[str]:
    """What people should know of a read for each record of another table."""
    above = parents.endpoint.for_each
    if requested >= MANY:
        yield f"{requested} requests for {asked} records of {above}"
    if parents.unusable:
        yield (
            f"nothing was asked for {parents.unusable} of {parents.records} records of {above}: the value for the path is"
            " missing, empty, neither a text nor a number, too long, or leads to another path (`..`)"
        )
    if gone:
        yield f"the API has nothing for {gone} of {asked} records of {above} (404)" + (
            "; check the endpoint's path" if gone == asked else ""
        )
    if noted:
        yield noted[0] + (f" (and {len(noted) - 1} more such answers)" if noted[1:] else "")
