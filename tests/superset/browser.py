"""The browser that the dashboards are tested in: found, or installed where that is possible.

``python -m tests.superset.browser`` (`make browser`) tries the system's Chromium, then Playwright's download. Where neither
can be had, it says so in one line and the tests that need a browser skip; with CI set it fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from tests.harness import ROOT

os.environ.setdefault(
    "PLAYWRIGHT_BROWSERS_PATH", str(ROOT / ".cache" / "browsers")
)  # nothing is kept outside the checkout

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
APPLICATIONS = ("Chromium.app/Contents/MacOS/Chromium", "Google Chrome.app/Contents/MacOS/Google Chrome")
LACK = "no browser starts on this machine"
MACOS = sys.platform == "darwin"
PACKAGES = ("chromium", "libatomic1")  # the browser, and what the Node that drives it needs
COMMAND = "brew install --cask chromium" if MACOS else f"sudo apt-get install {' '.join(PACKAGES)}"


@cache
def find() -> str | None:
    """The first browser that starts here, the system's or Playwright's; None, too, where nothing could drive it."""
    own = ask_playwright()
    return next(filter(_starts, _installed(own)), None) if own else None


def _installed(own: str) -> Iterator[str]:
    yield from filter(None, map(shutil.which, NAMES))
    yield from (str(path) for name in APPLICATIONS if (path := Path("/Applications", name)).exists())
    if Path(own).exists():
        yield own


def ask_playwright() -> str:
    """Where Playwright keeps its own browser. Nothing: its driver, a Node of its own, lacks libraries of the system."""
    program = "from playwright.sync_api import sync_playwright as p\nwith p() as p: print(p.chromium.executable_path)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    return done.stdout.strip()


def _starts(path: str) -> bool:
    """Whether a browser runs: a download may lack the system's libraries, a package may be a hint at another one."""
    return _succeeds([path, "--version"])


def _succeeds(command: list[str]) -> bool:
    with suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    return False


def attempts() -> Iterator[tuple[str, list[list[str]]]]:
    """What may bring a browser, the best first: what it is, and its commands."""
    rights = [] if os.geteuid() == 0 else ["sudo", "-n"]  # never ask for a password in the middle of the tests
    playwright = [sys.executable, "-m", "playwright"]
    may_install = not rights or (shutil.which("sudo") and _succeeds(["sudo", "-n", "true"]))
    if MACOS and shutil.which("brew"):
        yield "Homebrew's Chromium", [["brew", "install", "--quiet", "--cask", "chromium"]]
    if shutil.which("apt-get") and may_install:
        install = [*rights, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
        yield "the system's Chromium", [[*rights, "apt-get", "update", "-qq"], install]
    yield "Playwright's Chromium", [[*playwright, "install", "--no-shell", "chromium"]]
    if shutil.which("apt-get") and may_install:
        yield "the libraries that it needs", [[*playwright, "install-deps", "chromium"]]


def _run(command: list[str]) -> bool:
    """Whether a command succeeds; where it fails, its last words say why."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "10000"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"  {error}", flush=True)
        return False
    if done.returncode:
        print(
            f"  {' '.join(command)}: {(done.stderr.strip() or done.stdout.strip()).rpartition(chr(10))[2]}", flush=True
        )
    return done.returncode == 0


def main() -> int:
    """Make sure that there is a browser; 1 where there must be one and none can be had."""
    if find():
        return 0
    for name, commands in attempts():
        print(f"The dashboards are tested in a browser, and none starts here: installing {name}.", flush=True)
        if all(map(_run, commands)):
            find.cache_clear()
            if find():
                return 0
    strict = bool(os.environ.get("CI"))
    consequence = "must run in CI" if strict else "are skipped"
    print(f"{LACK}: the tests that need one {consequence}; to run them: {COMMAND}", flush=True)
    return int(strict)


if __name__ == "__main__":
    sys.exit(main())
