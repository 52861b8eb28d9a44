"""What the reads of a source saw last, kept beside its landed rows."""

from __future__ import annotations

import contextlib
from pathlib import Path

from settings import Settings
from warehouse import durable

from ..stores.lake import storage


class Seen:
    """What the reads of a source saw last, for their next read to compare with: ``<landing>/<source>/_seen/<name>``.

    It may hold keys in clear, so it lies where the source's raw rows do, and holds rows that the source still has.

    Attributes:
        moves: what was read came from where it lay once, ``<landing>/_seen/<source>``: there it also held whole rows.

    Args:
        work: folder on this machine for a copy of what lies on S3.
    """

    def __init__(self, source: str, settings: Settings, work: Path) -> None:
        self.settings, self.work = settings, work
        self.folder, self.before = f"{settings.landing}/{source}/_seen", f"{settings.landing}/_seen/{source}"
        self.moves = False
        self.fs = storage(settings)

    def get(self, name: str) -> Path:
        """A path on this machine; there is no file when there was nothing of that name."""
        found = next((folder for folder in (self.folder, self.before) if self.fs.exists(f"{folder}/{name}")), None)
        self.moves = found == self.before
        if not self.settings.aws:
            return Path(found or self.folder, name)
        copy = self.work / f"seen.{name}"
        if found and not copy.exists():
            self.fs.get_file(f"{found}/{name}", str(copy))
        return copy

    def put(self, path: Path, name: str) -> None:
        """Keep a file under a name."""
        if not self.settings.aws:  # S3 has no folders to make or look for
            self.fs.makedirs(self.folder, exist_ok=True)
        self.fs.put_file(str(path), f"{self.folder}/{name}")
        if not self.settings.aws:
            durable.flush([Path(self.folder, name)])  # before the state that names it
        path.unlink()

    def clear(self, table: str, keep: str | None) -> None:
        """Remove what earlier reads of a table saw. On AWS the old place is emptied by the lake's lifecycle."""
        if not self.settings.aws:
            for old in Path(self.before).glob(f"{table}.*.parquet"):
                old.unlink()
            with contextlib.suppress(OSError):  # another table's is still there, or there never was one
                Path(self.before).rmdir()
                Path(self.before).parent.rmdir()
        if self.settings.aws or self.fs.exists(self.folder):
            for path in self.fs.glob(f"{self.folder}/{table}.*.parquet"):
                if path.rsplit("/", 1)[1] != keep:
                    self.fs.rm_file(path)
