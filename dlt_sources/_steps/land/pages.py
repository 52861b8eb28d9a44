"""What a connector yields, in pages that are compared at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pyarrow as pa

from ..contracts.contract import PAYLOAD
from ..contracts.text import text_of
from ..stores.records import text_column
from .row_files import RowFiles
from .turn import Postponed

PAGE = 20_000
"""Records of a page."""


def pages(rows: Iterable[Any]) -> Iterator[pa.Table | RowFiles | Postponed]:
    """Arrow tables and files as they come; single records gathered into tables of JSON text."""
    items = iter(rows)
    while batch := list(islice(items, 1)):
        if isinstance(batch[0], pa.Table | RowFiles | Postponed):
            yield batch[0]
        else:
            batch += islice(items, PAGE - 1)
            yield pa.table({PAYLOAD: text_column(map(text_of, batch))})
