"""The demo's data folder: made, marked and replaced by the demo alone. What it did not make, it does not delete.

`demo.json` in it is the mark. It also holds the settings of every command that works on the folder (foundation/environment.py).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from errors import ExitCode, MillraceError
from foundation.environment import MARK, Demo, SettingsError, demo_in

SOURCES = ("audiophile", "deftunes_api", "deftunes_db", "random_users", "sales", "taxi")
DOMAINS = ("audiophile", "deftunes", "ops", "people", "sales", "taxi")
WORLD = "world"
LOCK = "demo.lock"
KEPT = (LOCK, "run.lock", "superset")
"""What stays when the demo is run again: locks that may be held, and a Superset that may be running, with its edits."""
_SOURCE = "|".join(SOURCES)
_MADE = re.compile(
    rf"({re.escape(MARK)}(\.new)?|{LOCK}|run\.lock|heartbeat\.(json|new)|pii_salt|\.unfinished|(warehouse|state)\.duckdb(\.wal|\.tmp)?|serving\.duckdb"
    rf"|serving|logs|logs/millrace\.log(\.\d+)?|serving/\d{{20}}(\.(duckdb|new)(\.\w+)?|(\.new)?(/serving\.duckdb(\.\w+)?)?)|dlt|sqlmesh_cache|superset|{WORLD}"
    rf"|{WORLD}/(postgres|sales|api\.(log|port))|{WORLD}/sales/\.?sales_[\w-]+\.csv"
    rf"|lake|lake/(landing|silver)|lake/landing/(_seen|{_SOURCE})|lake/landing/_seen/({_SOURCE})"
    rf"|lake/silver/(({_SOURCE})|_?catalog\.db(-\w+)?|_salt|\.unfinished))"
)
_LOOKED_INTO = ("serving", "logs", WORLD, f"{WORLD}/sales", "lake", "lake/landing", "lake/landing/_seen", "lake/silver")


class DemoRunningError(MillraceError):
    """Another demo uses the folder."""

    exit_code = ExitCode.LOCKED


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the demo's folder, emptied of what an earlier demo made.

    Raises:
        SettingsError: it holds something that no demo made; nothing was deleted.
        DemoRunningError: another demo, or a run on its data, is in progress.
    """
    _refuse_foreign(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / MARK).exists():
        mark(folder, {})  # before anything else is made: a demo that is killed leaves a folder that is known as its own
    try:
        with FileLock(folder / LOCK, timeout=0):
            _empty(folder)
            yield
    except Timeout:
        raise DemoRunningError(f"another demo or a run uses {folder}; end it (Ctrl-C), then try again") from None


def remove(folder: Path) -> bool:
    """Remove the demo's data, its Superset included; False when there is none.

    Raises:
        SettingsError, DemoRunningError: as in `claimed`.
    """
    if not folder.exists() and not folder.is_symlink():
        return False
    with claimed(folder):
        pass
    shutil.rmtree(folder)
    return True


def mark(folder: Path, environment: Mapping[str, str]) -> None:
    """Mark the folder as the demo's and write down the settings that hold there."""
    demo = Demo(
        made_by="runner.py demo",
        folder=folder.resolve(),
        sources=[*SOURCES],
        domains=[*DOMAINS],
        environment=dict(environment),
    )
    draft = folder / f"{MARK}.new"
    draft.touch(mode=0o600)
    draft.write_text(demo.model_dump_json(indent=1) + "\n", encoding="utf-8")
    draft.replace(folder / MARK)


def _empty(folder: Path) -> None:
    with FileLock(folder / "run.lock", timeout=0):
        for part in folder.iterdir():
            if part.name not in (*KEPT, MARK):
                shutil.rmtree(part) if part.is_dir() and not part.is_symlink() else part.unlink()


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder that holds anything that no demo made there."""
    elsewhere = "give the demo another folder: ELT_DEMO_DATA_DIR=DIRECTORY"
    if folder.is_symlink():
        raise SettingsError(f"{folder} is a symbolic link, and the demo deletes nothing through links; {elsewhere}")
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not folder.is_dir():
        raise SettingsError(f"{folder} is a file; {elsewhere}")
    if demo_in(folder) is None:
        raise SettingsError(
            f"{folder} holds data that no demo made there ({MARK} is missing, or names another folder); nothing was deleted."
            f" Move or delete it yourself, or {elsewhere}"
        )
    foreign = sorted(_foreign(folder))
    if foreign:
        shown = ", ".join(foreign[:3]) + (" ..." if len(foreign) > 3 else "")
        raise SettingsError(
            f"{folder} holds files that the demo did not make: {shown}; nothing was deleted. Move them away, or {elsewhere}"
        )


def _foreign(folder: Path) -> Iterable[str]:
    """Paths under the folder that neither the demo nor a run on its data makes."""
    published = [path.relative_to(folder).as_posix() for path in (folder / "serving").glob("*")]
    for parent in ("", *_LOOKED_INTO, *published):
        where = folder / parent
        if where.is_dir() and not where.is_symlink():
            for path in where.iterdir():
                name = path.relative_to(folder).as_posix()
                own_link = name == "serving.duckdb" and (folder / "serving").resolve() in path.resolve().parents
                if not _MADE.fullmatch(name) or (path.is_symlink() and not own_link):
                    yield name
