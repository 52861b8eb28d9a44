"""The landing layer as files: which loads are committed, and where their rows are.

dlt writes ``<landing>/<source>/_dlt_loads/<schema>__<load id>.jsonl`` only when a load package is complete, so that
log, and nothing else, says what has landed. Works on any file system fsspec knows.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow.parquet as pq

from settings import Settings

LAYOUT = "{table_name}/{load_id}.{file_id}.{ext}"


class Landing:
    """The landed loads of one source.

    Args:
        source: name of the source.
        settings: where the lake is.
    """

    def __init__(self, source: str, settings: Settings) -> None:
        import fsspec

        self.root = f"{settings.landing}/{source}"
        self.fs: Any = fsspec.filesystem("file")

    def loads(self, *, after: str = "", since: str = "") -> list[str]:
        """Ids of committed loads after the load `after`, or from the load `since` on; oldest first."""
        folder = f"{self.root}/_dlt_loads"
        if not self.fs.exists(folder):
            return []
        names = (re.search(r"__([0-9.]+)\.jsonl$", path) for path in self.fs.ls(folder, detail=False))
        found = [match[1] for match in names if match]
        wanted = (load for load in found if float(load) > float(after or 0) and float(load) >= float(since or 0))
        return sorted(wanted, key=float)

    def files(self, table: str, load: str) -> list[str]:
        """The Parquet files a load wrote for a table, in the order they were written."""
        folders = (table, f"{table}__*")  # rows of files lie in one folder per set of columns
        return sorted(
            str(path) for folder in folders for path in self.fs.glob(f"{self.root}/{folder}/{load}.*.parquet")
        )

    def size(self, files: list[str]) -> int:
        """Bytes of `files` together."""
        return sum(int(self.fs.size(path)) for path in files)

    def rows(self, files: list[str]) -> int:
        """Rows in `files`, read from their footers."""
        return sum(pq.read_metadata(path, filesystem=self.fs).num_rows for path in files)
