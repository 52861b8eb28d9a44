"""What a load says it wrote, against what is found of it: a landed file that is missing or damaged is not "no rows"."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from errors import ExitCode, MillraceError

from ..declared.declaration import Source
from .lake import LandedFile, Landing


class LandedFileError(MillraceError):
    """A landed file is missing or is not what its load wrote."""

    exit_code = ExitCode.STORE


class Landed:
    """The landed files of one source, checked against the records of the loads that wrote them.

    Loads of older versions say nothing of their files: of those, what is found is what landed.

    Args:
        loads: those whose files are asked for. refined: those that staging has.

    Raises:
        LandedFileError: the record of a load cannot be read.
    """

    def __init__(self, source: Source, landing: Landing, loads: Collection[str], refined: Collection[str] = ()) -> None:
        self.source, self.landing, self.refined = source, landing, set(refined)
        self.loads = sorted(loads, key=float)
        records = self._records()
        self._says = {load for load, record in records.items() if "files" in record}
        self._wrote: dict[str, dict[str, Any]] = {
            load: {str(file["path"]): file for file in record.get("files", [])} for load, record in records.items()
        }

    def files(self, table: str, gone: Collection[str] = ()) -> list[LandedFile]:
        """The files of a table.

        Args:
            gone: loads whose rows do not come from here.

        Raises:
            LandedFileError: one is missing, or has another size.
        """
        found = [file for file in self.landing.files(table, self.loads) if file.load not in gone and self._counts(file)]
        sizes = {self._path(file): file.size for file in found}
        oldest = min((float(file.load) for file in found), default=float("inf"))
        for load, wrote in self._wrote.items():
            expected = [path for path in wrote if _is_of(table, path)]
            if load in gone or self._has_expired(load, expected, sizes, oldest):
                continue
            for path in expected:
                if path not in sizes:
                    raise self._error(table, load, path, "is missing")
                if sizes[path] != wrote[path]["bytes"]:
                    raise self._error(table, load, path, f"has {sizes[path]} bytes of {wrote[path]['bytes']}")
        return found

    def broken(self, table: str) -> set[str]:
        """The loads of which files of a table are missing or have another size, expired ones among them."""
        sizes = {self._path(file): file.size for file in self.landing.files(table, self.loads)}
        return {
            load
            for load, wrote in self._wrote.items()
            if any(_is_of(table, path) and sizes.get(path) != file["bytes"] for path, file in wrote.items())
        }

    def fetch(self, table: str, files: list[LandedFile], folder: Path) -> list[str]:
        """Paths on this machine of files that are what their loads wrote.

        Raises:
            LandedFileError: one is not.
        """
        from .commit import md5_of

        paths = self.landing.fetch(files, folder)
        for file, path in zip(files, paths, strict=True):
            wrote = self._wrote.get(file.load, {}).get(self._path(file))
            if wrote and md5_of(Path(path)) != wrote["md5"]:
                raise self._error(table, file.load, self._path(file), "has other content than was written")
            if not wrote and not _is_parquet(path):
                raise self._error(table, file.load, self._path(file), "is not a Parquet file")
        return paths

    def _records(self) -> dict[str, dict[str, Any]]:
        try:
            return self.landing.records(self.loads)
        except ValueError as error:
            raise LandedFileError(
                f"{self.source.name}: {error}; put this record of a load back from a backup and run again. If there is none,"
                " delete it and those of all later loads: they then count as never landed, and the next run reads their rows again"
            ) from None

    def _counts(self, file: LandedFile) -> bool:
        """Whether a file is of its load: a read that was cut short may have left one under the same id."""
        return file.load not in self._says or self._path(file) in self._wrote[file.load]

    def _has_expired(self, load: str, expected: list[str], sizes: Mapping[str, int], oldest: float) -> bool:
        """Whether a lifecycle removed the rows: it removes the oldest first, and what they came to is in staging."""
        return load in self.refined and float(load) < oldest and not any(path in sizes for path in expected)

    def _path(self, file: LandedFile) -> str:
        return "/".join(file.path.rsplit("/", 2)[1:])

    def _error(self, table: str, load: str, path: str, what: str) -> LandedFileError:
        name, root = self.source.name, self.landing.root
        if load in self.refined:
            rest = f"delete what is left of it and run `python runner.py rebuild {name}`: silver has its rows"
        else:
            rest = (
                f"delete the records of this load and of all later ones in {root}/_dlt_loads: they then count as never"
                " landed, and the next run reads their rows again"
            )
        return LandedFileError(
            f"{name}.{table}: load {load}: the landed file {root}/{path} {what}; put it back from a backup and run again. If"
            f" there is none, {rest}"
        )


def _is_of(table: str, path: str) -> bool:
    folder = path.split("/", 1)[0]
    return folder == table or folder.startswith(f"{table}__")


def _is_parquet(path: str) -> bool:
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    try:
        pq.read_metadata(path)
    except (ArrowException, OSError):
        return False
    return True
