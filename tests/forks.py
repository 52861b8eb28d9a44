"""Python commands in processes of their own, forked from one that has imported the libraries already."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from tests import shared_models

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.libraries", "tests.program"])
_OURS = {
    "benchmarks",
    "demo",
    "dlt_sources",
    "errors",
    "runner",
    "foundation",
    "runtime",
    "settings",
    "soda_checks",
    "sqlmesh_project",
    "superset",
    "tests",
    "warehouse",
}

_one_at_a_time = threading.Lock()
"""To start a process and to join one: each also asks how others have ended, and who asks second would hear 255."""


@atexit.register
def _end_what_was_started() -> None:
    """Multiprocessing waits at the end for each process: one that a failed test left behind may never end by itself."""
    for process in multiprocessing.active_children():
        process.kill()


def start(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], out: Path, err: Path) -> Any:
    """Begin ``python ARGUMENTS`` (a script, ``-m`` and a module, or ``-c`` and code) in a folder; returns the process."""
    process = processes.Process(target=_child, args=(list(arguments), folder, dict(environment), out, err))
    with _one_at_a_time:
        process.start()
    return process


def run(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The same to its end; a signal ends with its number, negative."""
    with tempfile.TemporaryDirectory() as name:
        out, err = Path(name, "out"), Path(name, "err")
        process = start(arguments, folder, environment, out, err)
        wait([process.sentinel])
        with _one_at_a_time:
            process.join()
        texts = [path.read_text(encoding="utf-8") if path.exists() else "" for path in (out, err)]
        return subprocess.CompletedProcess(list(arguments), process.exitcode, *texts)


def forget_settings() -> None:
    """In a process that was forked: forget the settings of the test that ran when the process that forks began."""
    for name in [name for name in os.environ if name.startswith(("ELT_", "AWS_"))]:
        del os.environ[name]


def run_as_nobody(work: Callable[[], None]) -> None:
    """Do some work as a user who is not root, in a fork of this process.

    What it needs must be imported already: nobody may read the interpreter's folder.
    """
    if os.getuid():
        work()
        return
    process = os.fork()
    if not process:
        try:
            os.setuid(65534)
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(process, 0)[1] == 0


def _child(arguments: list[str], folder: Path, environment: dict[str, str], out: Path, err: Path) -> None:
    shared_models.use_in(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] in _OURS]:
        del sys.modules[name]
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[:] = [
        str(folder),
        *(path for path in sys.path if "site-packages" in path or path.startswith(sys.base_prefix)),
    ]
    for stream, path in ((sys.stdout, out), (sys.stderr, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1 if stream is sys.stdout else 2)
    sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(arguments[1], {"__name__": "__main__"})
    else:
        sys.argv = arguments
        runpy.run_path(str(folder / arguments[0]), run_name="__main__")
