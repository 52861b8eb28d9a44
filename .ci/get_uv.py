#!/usr/bin/env python3
"""Put uv into a folder: ``python3 .ci/get_uv.py FOLDER`` leaves ``FOLDER/bin/uv``.

Needs only Python and the package index. Debian's python3 has neither pip nor what a virtual environment takes to get it
(python3-pip and python3-venv are packages of their own). pip is one archive, the same for all platforms, that runs from any
folder: it is fetched where it is missing, and then chooses uv's wheel and follows pip's configuration by itself. To find
pip's own archive, this reads index-url and cert as pip does: environment first, then its files.
"""

from __future__ import annotations

import base64
import configparser
import hashlib
import importlib.util
import os
import re
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
import zipfile
from html import unescape
from pathlib import Path

WHEEL = re.compile(r'<a\s[^>]*href="([^"]*/)?(pip-([\d.]+)-py3-none-any\.whl)(?:#sha256=([0-9a-f]{64}))?"[^>]*>')
TIMEOUT = 60


def read_option(name: str) -> str:
    """An option of pip's configuration, or nothing."""
    if value := os.environ.get(f"PIP_{name.upper().replace('-', '_')}"):
        return value
    home = Path.home()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    shared = [Path(folder, "pip/pip.conf") for folder in os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")]
    own = [home / ".pip/pip.conf", config / "pip/pip.conf", home / "Library/Application Support/pip/pip.conf"]
    named = [Path(os.environ["PIP_CONFIG_FILE"])] if "PIP_CONFIG_FILE" in os.environ else []
    parser = configparser.RawConfigParser(strict=False)
    parser.read([*shared, "/etc/pip.conf", *own, *named])
    return next((parser[part][name] for part in ("install", "global") if parser.has_option(part, name)), "")


def fetch(url: str) -> bytes:
    """What is at an address of the index; its user and password are sent as pip sends them."""
    parts = urllib.parse.urlsplit(url)
    request = urllib.request.Request(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())  # noqa: S310
    if parts.username:
        words = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_header("Authorization", f"Basic {base64.b64encode(words.encode()).decode()}")
    context = ssl.create_default_context(cafile=read_option("cert") or None)
    with urllib.request.urlopen(request, timeout=TIMEOUT, context=context) as answer:  # noqa: S310
        content: bytes = answer.read()
    return content


def fetch_pip(folder: Path) -> None:
    """Unpack the newest pip of the index into a folder.

    Raises:
        ValueError: the index has no pip, or not the one that it announces.
    """
    page = f"{(read_option('index-url') or 'https://pypi.org/simple').rstrip('/')}/pip/"
    text = fetch(page).decode()
    links = [link for link in WHEEL.finditer(text) if "data-yanked" not in link[0]]
    if not links:
        raise ValueError(f"{re.sub('//[^/@]*@', '//', page)} lists no wheel of pip")
    newest = max(links, key=lambda link: tuple(map(int, link[3].strip(".").split("."))))
    content = fetch(urllib.parse.urljoin(page, unescape(newest[1] or "") + newest[2]))
    if newest[4] and hashlib.sha256(content).hexdigest() != newest[4]:
        raise ValueError(f"{newest[2]} is not the file that the index announces: its SHA-256 differs")
    archive = folder / newest[2]
    archive.write_bytes(content)
    with zipfile.ZipFile(archive) as wheel:
        wheel.extractall(folder)


def main() -> int:
    """Install the uv of uv.txt with the pip that is here, or with a fetched one; 1, in short, when that fails."""
    target = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ)
        if importlib.util.find_spec("pip") is None:
            try:
                fetch_pip(Path(folder))
            except (OSError, ValueError, zipfile.BadZipFile) as error:
                print(
                    f"uv is missing, and so is pip to install it, which could not be fetched: {error}.", file=sys.stderr
                )
                print("Install uv (https://docs.astral.sh/uv) or pip (apt-get install python3-pip).", file=sys.stderr)
                return 1
            environment["PYTHONPATH"] = folder
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        command += ["--root-user-action", "ignore", "--upgrade", "--target", target]
        command += ["--require-hashes", "--requirement", str(Path(__file__).with_name("uv.txt"))]
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
