"""Files behind HTTP, which nothing lists: which ones may have been published, and whether an answer is a new version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import requests

from ...declared.file_names import place_of
from ...declared.source_error import SourceError, quote_url
from ..request import Request
from .candidate import Candidate, NotPublishedError, PageError

_NOT_PUBLISHED = (requests.codes.forbidden, requests.codes.not_found, requests.codes.gone)


def list_expected(http: requests.Session, base: str, request: Request) -> Iterator[Candidate]:
    """Every file that may have been published: one per month from the table's `start` (or a backfill's) to `until`."""
    first, last = request.since or request.table.start, request.until
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month) if first else range(0)
    for pattern in request.table.files:
        if "{month}" in pattern and first is None:
            raise SourceError(f"{request.name}: `files` with {{month}} over HTTP needs `start` in source.yml")
    names = {
        pattern.replace("{month}", f"{month // 12}-{month % 12 + 1:02}")
        for pattern in request.table.files
        for month in (months if "{month}" in pattern else [0])
    }
    for name in sorted(names, key=lambda name: place_of(request.table.files, name)):
        yield served_file(http, f"{base}/{name}", name, request)


def served_file(http: requests.Session, url: str, name: str, request: Request) -> Candidate:
    def fetch(target: Path, known: str | None) -> str | None:
        headers = {"If-None-Match": known} if known else {}
        try:
            with http.get(url, headers=headers, stream=True) as answer:
                version = _proof(answer)
                if answer.status_code == requests.codes.not_modified or (known and version == known):
                    return None
                if answer.headers.get("content-type", "").startswith("text/html"):
                    raise PageError(
                        "the server answers with a page, not a file: a login or an error; check the address"
                    )
                _save(answer, target)
                return version
        except SourceError as error:
            if error.status in _NOT_PUBLISHED and not request.only:
                raise NotPublishedError(f"answered {error.status}") from None
            raise

    return Candidate(name, None, fetch)


def _proof(answer: requests.Response) -> str:
    """What proves that the same answer has the same bytes: a strong ETag. Without one the content itself has to be compared: a
    date is the same for a second or longer, a length for any correction of a digit, a weak ETag for what somebody thought alike.
    """
    tag = str(answer.headers.get("etag") or "")
    return tag if tag.startswith('"') else ""


def _save(answer: requests.Response, target: Path) -> None:
    size = 0
    with target.open("wb") as file:
        for piece in answer.iter_content(1 << 20):
            size += file.write(piece)
    promised = answer.headers.get("content-length")
    if promised and "content-encoding" not in answer.headers and size != int(promised):
        raise SourceError(f"{quote_url(answer.url)}: {size} of {promised} bytes came; the next run asks again")
