"""The one door to Superset, which runs in an environment of its own under superset/: serve, import, export.

What it keeps stands in `data/superset`: its metadata (users, assets as imported), its log and, on a laptop, its secrets.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from errors import ExitCode, MillraceError
from foundation.console import Console
from settings import ROOT

from .environment import FOLDER, database_uri, environment, plain_text

if TYPE_CHECKING:
    from settings import Settings

ASSETS = FOLDER / "assets"
PYTHON = FOLDER / ".venv" / "bin" / "python"
START_SECONDS = 120
SAID = "· "  # how scripts/ mark what is for a person among what Superset prints


class DashboardError(MillraceError):
    """Superset could not be installed, prepared or started; the message says why and what to do."""

    exit_code = ExitCode.CONFIGURATION


def serve(settings: Settings, host: str, port: int, as_imported: bool = False) -> None:
    """Install and prepare what is missing, start Superset and stay until Ctrl-C.

    Args:
        as_imported: serve what the last import left in Superset's database, where the import is a step of deployment.

    Raises:
        DashboardError: nothing is published or imported yet, the port is taken, or Superset does not start.
        SettingsError: a setting that the target needs is missing.
    """
    console = Console()
    if settings.target == "local" and not settings.serving.exists():
        raise DashboardError(
            "nothing is published yet: `python runner.py demo` or a run of your own sources comes first"
        )
    if as_imported and settings.target == "local" and not (settings.superset / "superset.db").exists():
        raise DashboardError("nothing is imported yet: `python runner.py dashboards import` comes before --as-imported")
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise DashboardError(f"cannot listen on {host}:{port} ({error.strerror}); choose another: --port") from None
    install(console)
    if as_imported:
        console.note("the dashboards are as they were imported last")
    elif _fingerprint(settings, ASSETS) != _prepared(settings):
        _prepare(settings, console, over_edits=False, assets=ASSETS)
    else:
        console.note("assets and security.yml are as they were imported last; `dashboards import` imports them again")
    with console.step("start", "superset") as step:
        log = (
            None if as_imported else settings.superset / "server.log"
        )  # in production its words belong to the task's log
        process = _gunicorn(settings, host, port, log)
        step.done({})
        step.outcome = f"log: {log or 'here'}"
    console.out.print(f"\nDashboards: [bold]http://{host}:{port}[/bold]   {_who(settings)}\nCtrl-C stops it.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager stops it as Ctrl-C does
    try:
        code = process.wait()
    except KeyboardInterrupt:
        return
    finally:
        _end(process)
    raise DashboardError(f"Superset ended by itself (exit {code}); its log: {log or 'above'}")


def import_assets(settings: Settings, over_edits: bool, assets: Path = ASSETS) -> None:
    """Make Superset hold what the files under `assets` say.

    Args:
        over_edits: go on although it undoes edits that were made in the browser and not exported.

    Raises:
        DashboardError: a file is refused, or there are such edits.
    """
    console = Console()
    install(console)
    _prepare(settings, console, over_edits, assets)


def export_assets(settings: Settings, assets: Path = ASSETS) -> None:
    """Write Superset's databases, datasets, charts and dashboards to `assets`; says which files changed.

    Raises:
        DashboardError: there is nothing to export from.
    """
    console = Console()
    if settings.target == "local" and not (settings.superset / "superset.db").exists():
        raise DashboardError("there is no Superset to export from: `python runner.py dashboards serve` makes one")
    install(console)
    with console.step("export", "superset") as step:
        lines = _run(settings, "export.py", assets)
        step.done({"changed files": len(lines)})
    for line in lines:
        console.out.print(f"  {line}")
    if lines:
        console.out.print(f"Look at it with `git diff {assets}`.")
        _remember(settings, assets)


def _who(settings: Settings) -> str:
    if settings.target != "local":
        return "sign in as one of its users"
    if plain_text(settings.dashboards_admin_password):
        return "user admin, password as you set it"
    path = settings.superset / "admin_password"
    return f"user [bold]admin[/bold], password [bold]{path.read_text()}[/bold] (kept in {path})"


def install(console: Console) -> None:
    """Superset's environment, from its lock; nothing to do when the lock has not changed."""
    lock = (FOLDER / "uv.lock").read_bytes()
    mark = FOLDER / ".venv" / ".ready"
    if mark.exists() and mark.read_text() == hashlib.sha256(lock).hexdigest():
        return
    uv = os.environ.get("UV") or shutil.which("uv") or str(ROOT / ".uv" / "bin" / "uv")
    if not Path(uv).exists():
        raise DashboardError("uv is needed to install Superset: `make setup` brings it, or `pip install uv`")
    console.out.print("Installing Superset into superset/.venv (750 MB, once; a minute or two)")
    with console.step("install", "superset"):
        command = [uv, "sync", "--frozen", "--quiet", "--compile-bytecode", "--system-certs", "--project", str(FOLDER)]
        clean = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        done = subprocess.run(command, capture_output=True, text=True, env=clean, check=False)
    if done.returncode:
        raise DashboardError(
            f"Superset could not be installed:\n{done.stderr.strip()}\nIt needs Python 3.11 or 3.12; UV_PYTHON names another"
        )
    mark.write_text(hashlib.sha256(lock).hexdigest())


def _prepare(settings: Settings, console: Console, over_edits: bool, assets: Path) -> None:
    with console.step("prepare", "superset") as step:
        flags = [*(["--managed"] if settings.target != "local" else []), *(["--over-edits"] if over_edits else [])]
        lines = _run(settings, "prepare.py", assets, *flags)
        step.done({})
        step.outcome = lines[0] if lines else ""
    for line in lines[1:]:
        console.note(line)
    _remember(settings, assets)


def _run(settings: Settings, script: str, *arguments: str | Path) -> list[str]:
    """Run one of scripts/ in Superset's environment; the lines it printed.

    Raises:
        DashboardError: it failed; holds its last words.
    """
    command = [str(PYTHON), str(FOLDER / "scripts" / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(settings), cwd=FOLDER, check=False)
    if done.returncode:
        log = settings.superset / f"{Path(script).stem}.log"
        log.write_text(done.stdout + done.stderr)
        words = [line for line in done.stderr.strip().splitlines() if not line.startswith("INFO ")]
        raise DashboardError("\n".join(words[-4:]) + f"\nall it said: {log}")
    return [line.removeprefix(SAID) for line in done.stdout.splitlines() if line.startswith(SAID)]


def _fingerprint(settings: Settings, assets: Path) -> str:
    """What a prepared Superset was made from: these files, this database."""
    parts = [FOLDER / "uv.lock", FOLDER / "security.yml", *sorted((FOLDER / "scripts").glob("*.py"))]
    parts += sorted(assets.rglob("*.yaml"))
    digest = hashlib.sha256(database_uri(settings).encode())
    for path in parts:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _prepared(settings: Settings) -> str:
    mark = settings.superset / "prepared"
    there = (settings.superset / "superset.db").exists() or settings.target != "local"
    return mark.read_text() if mark.exists() and there else ""


def _remember(settings: Settings, assets: Path) -> None:
    (settings.superset / "prepared").write_text(_fingerprint(settings, assets))


def _gunicorn(settings: Settings, host: str, port: int, log: Path | None) -> subprocess.Popen[bytes]:
    """Superset behind gunicorn, once it answers.

    Args:
        log: what it says goes there; None: where this process's own words go.

    Raises:
        DashboardError: it ended or did not answer in time.
    """
    command = [
        str(PYTHON),
        "-m",
        "gunicorn",
        "superset.app:create_app()",
        "--bind",
        f"{host}:{port}",
        "--no-control-socket",
        "--worker-class",
        "gthread",
        "--workers",
        "2",
        "--threads",
        "4",
        "--timeout",
        "120",
        "--log-level",
        "warning",
    ]
    with log.open("wb") if log else contextlib.nullcontext() as out:
        process = subprocess.Popen(
            command, env=environment(settings), cwd=settings.superset, stdout=out, stderr=out, start_new_session=True
        )  # a session of its own: Ctrl-C reaches it once, from here
    try:
        if _answers(process, f"http://{_reachable(host)}:{port}/health"):
            return process
    except BaseException:
        _end(process)
        raise
    _end(process)
    words = "\n".join(log.read_text().strip().splitlines()[-4:]) if log else ""
    raise DashboardError(f"Superset did not start within {START_SECONDS} s:\n{words}\nall it said: {log or 'above'}")


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=5)  # noqa: S310 our own server
            return True
        time.sleep(0.3)
    return False


def _reachable(host: str) -> str:
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the server, whatever it is doing."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
