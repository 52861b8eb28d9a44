"""Run the real command line in real processes, kill it where wanted, and look at what it left behind."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock

from tests import shared_models
from tests.forks import forget_settings, processes

ROOT = Path(__file__).resolve().parents[1]
CODE = ("dlt_sources", "sqlmesh_project", "soda_checks", "superset", "warehouse", "runtime", "foundation")
"""The folders of the project's code."""
SALT = "pepper-4Jt0qWm8Zk"
"""Of every pipeline: folders that are compared hash alike. Nothing else holds it by chance: tests look for it."""


def checkout(folder: Path) -> Path:
    """A copy of the project's own code that a test may edit: no tests, no environments, no data."""
    folder.mkdir(parents=True)
    for name in ("runner.py", "settings.py", "errors.py"):
        shutil.copy2(ROOT / name, folder)
    for name in CODE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".venv"))
    for compiled in (ROOT / "__pycache__").glob("[!_]*.pyc"):
        (folder / "__pycache__").mkdir(exist_ok=True)
        shutil.copy2(compiled, folder / "__pycache__")
    return folder


def make_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """A folder that all workers share (below the fixture `shared`): made by the first worker that needs it, while the others wait."""
    whole = folder.with_suffix(".whole")
    with FileLock(folder.with_suffix(".lock")):
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            whole.touch()
    return folder


@dataclass
class Result:
    """How a command ended. `code` is negative for a signal."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Running:
    """A command that has not ended."""

    process: Any
    out: Path
    err: Path

    def kill(self) -> None:
        """SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)

    def end(self) -> Result:
        """Wait for its end."""
        self.process.join(300)
        if self.process.is_alive():
            self.kill()
            raise TimeoutError(f"the command did not end: {self.out.read_text()}{self.err.read_text()}")
        return Result(self.process.exitcode or 0, self.out.read_text(), self.err.read_text())


class Pipeline:
    """A data folder and the environment of the commands that work on it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {
            "ELT_DATA_DIR": str(folder),
            "ELT_DEMO_DATA_DIR": str(folder.parent / "data-demo"),  # not the checkout's, which may hold a demo
            "ELT_RETRY_PACE": "0.01",
            "ELT_PII_SALT": SALT,
            "HOME": str(folder.parent / "home"),
        } | environment
        self._connections: dict[str, duckdb.DuckDBPyConnection | None] = {}

    def __call__(
        self, *arguments: str, patch: str = "", kill: str = "", after: float | None = None, **environment: str
    ) -> Result:
        """``python runner.py ARGUMENTS``.

        Args:
            kill: ``module:name[.name]:before|after[:n]``: SIGKILL itself around the n-th call of that function.
            patch: ``module:function[:value]`` of the tests, called in the process before the command.
            after: SIGKILL from outside after so many seconds.
        """
        running = self.start(*arguments, patch=patch, kill=kill, **environment)
        if after is not None:
            time.sleep(after)
            running.kill()
        return running.end()

    def start(self, *arguments: str, patch: str = "", kill: str = "", **environment: str) -> Running:
        """The same, without waiting for its end."""
        out, err = self.folder.parent / "out.txt", self.folder.parent / "err.txt"
        for path in (out, err):
            if path.parent.exists():
                path.write_text("")  # what the command before it said is not this one's
        process = processes.Process(
            target=_child, args=(list(arguments), self.environment | environment, out, err, kill, patch)
        )
        process.start()
        return Running(process, out, err)

    def copy(self, folder: Path) -> Pipeline:
        """The same state in another folder; without silver, whose paths are absolute."""
        shutil.copytree(self.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("silver"))
        return Pipeline(folder, {k: v for k, v in self.environment.items() if k != "ELT_DATA_DIR"})

    def query(self, sql: str, database: str = "warehouse.duckdb") -> list[tuple[Any, ...]]:
        """Rows of a query on one of the databases."""
        if database not in self._connections:
            with self._connect(database) as con:
                return con.execute(sql).fetchall()
        kept = self._connections[database] = self._connections[database] or self._connect(database)
        return kept.execute(sql).fetchall()

    @contextlib.contextmanager
    def connected(self, database: str) -> Iterator[None]:
        """Ask a database all queries of the block over one connection: to open one of many tables takes a tenth of a second."""
        self._connections[database] = None
        try:
            yield
        finally:
            if kept := self._connections.pop(database):
                kept.close()

    def _connect(self, database: str) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str((self.folder / database).resolve()), read_only=True)

    def gold(self, *domains: str) -> dict[str, list[tuple[Any, ...]]]:
        """The published rows of every table (of some domains), without the pipeline's own record and how rows came."""
        with self.connected("serving.duckdb"):
            found = domains or self._schemas(
                "serving.duckdb", "schema_name NOT IN ('ops', 'main', 'information_schema', 'pg_catalog')"
            )
            return {
                f"{domain}.{table}": rows
                for domain in found
                for table, rows in self._content("serving.duckdb", domain, "refine_id").items()
            }

    def staged(self) -> dict[str, list[tuple[Any, ...]]]:
        """The staging rows of every source, with all their marks."""
        with self.connected("warehouse.duckdb"):
            names = self._schemas(
                "warehouse.duckdb",
                "schema_name LIKE 'stg!_%' ESCAPE '!' AND schema_name <> 'stg_ops' AND NOT schema_name LIKE '%_staging'",
            )
            return {
                f"{s}.{t}": rows
                for s in names
                for t, rows in self._content("warehouse.duckdb", s, "").items()
                if t != "_state"
            }

    def _schemas(self, database: str, condition: str) -> list[str]:
        query = f"SELECT DISTINCT schema_name FROM information_schema.schemata WHERE {condition} ORDER BY 1"
        return [schema for (schema,) in self.query(query, database)]

    def landed(self) -> set[str]:
        """The landed files; not what reads remember of the read before, nor what is on its way."""
        files = (self.folder / "lake" / "landing").rglob("*.parquet")
        return {
            str(path.relative_to(self.folder)) for path in files if not {"_seen", "_work", "_ahead"} & set(path.parts)
        }

    def _content(self, database: str, schema: str, without: str) -> dict[str, list[tuple[Any, ...]]]:
        tables = self.query(
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}' ORDER BY 1", database
        )
        keep = f"* EXCLUDE ({without})" if without else "*"
        found = {}
        for (table,) in tables:
            columns = [r[0] for r in self.query(f'DESCRIBE {schema}."{table}"', database)]
            found[table] = self.query(
                f'SELECT {keep if without in columns else "*"} FROM {schema}."{table}" ORDER BY ALL', database
            )
        return found


def _child(arguments: list[str], environment: dict[str, str], out: Path, err: Path, kill: str, patch: str) -> None:
    os.chdir(ROOT)
    shared_models.use_in(None if patch else ROOT)
    forget_settings()
    os.environ.update(environment)
    Path(environment["HOME"]).mkdir(parents=True, exist_ok=True)
    sys.argv = ["runner.py", *arguments]
    with out.open("w", buffering=1) as stdout, err.open("w", buffering=1) as stderr:
        sys.stdout, sys.stderr = stdout, stderr
        if kill:
            _arm(kill)
        if patch:
            module, name, *values = patch.split(":")
            getattr(importlib.import_module(module), name)(*values)
        code: Any = 0
        try:
            importlib.import_module("runner").main()
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            traceback.print_exc()
            code = 70
        with contextlib.suppress(io.UnsupportedOperation):
            stdout.flush()
            stderr.flush()
        os._exit(int(code))


def _arm(kill: str) -> None:
    """Wrap the named function so that the process dies around its n-th call."""
    module, path, when, *count = kill.split(":")
    holder: Any = importlib.import_module(module)
    *way, name = path.split(".")
    for part in way:
        holder = getattr(holder, part)
    original, calls = getattr(holder, name), [0]

    def deadly(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        last = calls[0] == int(count[0] if count else 1)
        if last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(holder, name, deadly)


def run_pytest(folder: Path, *options: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Pytest in a process of its own, with its temporary folders in `folder`.

    In the shared one it would close `/tmp/pytest-of-<user>` to other users while Postgres, which is one, works there.
    """
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--basetemp", folder / "temporary", *options],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
