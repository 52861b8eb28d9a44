"""A server that alerts are sent to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from werkzeug import Request

from tests.web import Answer, asked_path, serve


@contextmanager
def listening(keep: Callable[[str, str], Any]) -> Iterator[tuple[int, list[Any]]]:
    """(its port, what it was sent so far).

    Args:
        keep: makes what is kept of a message of its path and its body.
    """
    heard: list[Any] = []

    def hear(request: Request) -> Answer:
        heard.append(keep(asked_path(request), request.get_data(as_text=True)))
        return 200, {}, b""

    with serve(hear) as url:
        yield urlsplit(url).port or 0, heard
