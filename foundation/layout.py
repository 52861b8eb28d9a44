"""Where everything is: the layout of the data folder and of the lake, for settings that say where these two are."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from .environment import ROOT
from .place import plain


class Layout:
    """The places of one data folder and its lake."""

    if TYPE_CHECKING:
        data_dir: Path
        lake_url: str

        @property
        def aws(self) -> bool:
            """Whether it all runs on AWS."""

    @cached_property
    def data(self) -> Path:
        """The data folder as an absolute path that every tool takes, whatever its name; a relative one counts from the
        checkout, not from the shell.
        """
        return plain(ROOT / self.data_dir)

    @property
    def lake(self) -> str:
        """Landing and silver: a folder, or ``s3://bucket/prefix``; the same layout in both."""
        return self.lake_url.rstrip("/") if self.aws else str(self.data / "lake")

    @property
    def landing(self) -> str:
        """Raw, append-only loads: ``<landing>/<source>/<table>/<load id>.<file id>.parquet``."""
        return f"{self.lake}/landing"

    @property
    def silver(self) -> str:
        """Accepted rows as Iceberg tables."""
        return f"{self.lake}/silver"

    @property
    def warehouse(self) -> Path:
        """Staging and gold. The file's stem is the catalog's name: the same word as the Redshift database."""
        return self.data / "warehouse.duckdb"

    @property
    def state(self) -> Path:
        """SQLMesh's state, apart from the warehouse."""
        return self.data / "state.duckdb"

    @property
    def serving(self) -> Path:
        """What dashboards read: a link that always points at one whole published version."""
        return self.data / "serving.duckdb"

    @property
    def superset(self) -> Path:
        """What Superset itself keeps: users, assets as imported, its log; on a laptop also its secrets."""
        return self.data / "superset"

    @property
    def dlt(self) -> Path:
        """Dlt's own working folders; never the home or /var folder, so checkouts do not share state."""
        return self.data / "dlt"

    def workplace(self, source: str) -> Path:
        """Where a source's rows are, as they came, while they are read, landed and refined: inside its landing, so that
        what a crash or a full disk leaves behind is where raw rows may be. On AWS a folder of the same name on this machine.
        """
        return self.data / "lake" / "landing" / source / "_work"

    @property
    def lock(self) -> Path:
        """Held by the one run that may write from this folder."""
        return self.data / "run.lock"
