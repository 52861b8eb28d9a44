"""A file that may be new, wherever it is: what `files.py` decides by, and how it is fetched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .text_files import FileError

STORES = ("http://", "https://", "s3://", "file://")


class NotPublishedError(Exception):
    """The server does not have the file, or not yet."""


class PageError(FileError):
    """A web page came instead of the file."""


@dataclass
class Candidate:
    """A file that may be new. `fetch` writes it to a path and returns its version, empty where nothing proves that a later
    answer is the same; None: its version is the known one, which it gets if that proves something. `size` in bytes, 0 where
    nothing says it before.
    """

    name: str
    version: str | None
    fetch: Callable[[Path, str | None], str | None]
    size: int = 0


def is_http(address: str) -> bool:
    return address.startswith(("http://", "https://"))
