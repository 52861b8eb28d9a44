"""Flushes to disk that take no time: no test cuts the power, and a first run waits some four hundred times for the disk."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def skip_flushes() -> None:
    """From here on no process that is started waits for the disk, where there is a compiler on Linux; else nothing changes."""
    folder = Path(tempfile.mkdtemp(prefix="millrace-flushes-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)  # Postgres's user reads it, too
    if library := compile_library(Path(__file__).with_suffix(".c"), folder):
        preload(library)


def compile_library(source: Path, folder: Path) -> Path | None:
    """A library that processes may load before their own, made of C source; None where that cannot be done."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    library = folder / source.with_suffix(".so").name
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"{source} does not compile: {done.stderr}", file=sys.stderr)
        return None
    library.chmod(0o755)
    return library


def preload(library: Path) -> None:
    """Load it into every process that begins from now on, before what is loaded so already."""
    os.environ["LD_PRELOAD"] = ":".join([str(library), *filter(None, [os.environ.get("LD_PRELOAD")])])
