#!/usr/bin/env python3
"""The scanners, for `.ci/run` and for the workflows alike: `python3 .ci/gates [GATE ...]`.

Needs only Python and uv; the scanners come from the lock beside this file. A gate passes, fails, or says that it could
not look ("not audited", which fails under --strict: there the network is known to be there).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
BIN = HERE / ".venv" / "bin"
LOCKS = (".", "superset", ".ci/gates")  # folders of the uv projects

# In tests, passwords are made up and look it; a token that only a service gives out is one wherever it stands.
GUESSES = ("KeywordDetector", "BasicAuthDetector", "Base64HighEntropyString", "HexHighEntropyString")
# What may stand in the open: AWS's documented example keys, words that stand for a password, `secret:NAME`, references.
ALLOWED = (
    r"EXAMPLE(KEY)?$|^(user|password|secret|DISABLE|string|\.\.\.)$|^true\b|^secret:|^arn:|^(var|local|module)\.|^[$<{]"
)
TOKEN = re.compile(r"[\w/+=.-]{20}|PRIVATE KEY")  # a line without it can hold none; most lines are spared the search
NO_TEXT = r"(^|/)uv\.(lock|txt)$|\.(png|parquet)$"

# README, "Licences": these may not come in unnoticed.
LICENCES = "GPL;GNU;Affero;SSPL;Server Side Public;Business Source;Commons Clause;Elastic;Proprietary;UNKNOWN"
EXCUSED = {
    "yamllint": "GPL, but it only checks; it is never shipped",
    **dict.fromkeys(("soda-core", "soda-duckdb", "soda-postgres", "soda-redshift"), "Elastic License 2.0; see README"),
    **dict.fromkeys(("psycopg", "psycopg-binary", "psycopg2-binary", "paramiko", "pyxlsb"), "LGPL, used as it comes"),
    "odfpy": "Apache, GPL or LGPL, as one likes",
    "json-stream-rs-tokenizer": "MIT by its LICENSE file; says nothing in its metadata",
}


class NotAudited(Exception):
    """The gate could not look; the text says why."""


class Found(Exception):
    """The gate found something; the text is what the scanner says."""


def call(command: list[str | Path], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a scanner, with the other scanners on its path."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | {"PATH": path} | environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def must(command: list[str | Path], cwd: Path, **environment: str) -> str:
    """Run a scanner that exits non-zero when it finds something; returns what it says."""
    result = call(command, cwd, **environment)
    if result.returncode:
        raise Found(f"{result.stdout}{result.stderr}".strip() or f"{command[0]} ended with {result.returncode}")
    return result.stdout


def tracked(root: Path, *patterns: str) -> list[str]:
    """Files that git has or would take, by pathspec."""
    files = must(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns], root)
    return sorted(name for name in set(files.split("\0")) if name and (root / name).is_file())


def workflows(root: Path) -> str:
    """The workflows: syntax and scripts (actionlint, shellcheck); injection, permissions, pins (zizmor)."""
    files = tracked(root, ".github/workflows/*.yml")
    # With a token zizmor also asks GitHub whether each pinned commit is the version that its comment says.
    offline = [] if os.environ.get("GH_TOKEN") else ["--offline"]
    zizmor = [BIN / "zizmor", *offline, "--no-progress", "--quiet", ".github"]
    results = [call([BIN / "actionlint", *files], root), call(zizmor, root)]
    if any(result.returncode for result in results):
        raise Found("\n".join(result.stdout + result.stderr for result in results).strip())
    return f"{len(files)} workflows{', offline' if offline else ''}"


def secrets(root: Path) -> str:
    """Secrets in the files, and in every line that git's history ever had."""
    files = [name for name in tracked(root) if name != ".ci/gates/__main__.py"]
    _detect(root, [name for name in files if not name.startswith("tests/")], guess=True)
    _detect(root, [name for name in files if name.startswith("tests/")], guess=False)
    if call(["git", "rev-parse", "--verify", "-q", "HEAD"], root).returncode:
        return f"{len(files)} files, no history"
    with tempfile.TemporaryDirectory() as folder:
        added = _added(root, Path(folder))
        _detect(Path(folder), added, guess=False)
    shallow = must(["git", "rev-parse", "--is-shallow-repository"], root).strip() == "true"
    return f"{len(files)} files, {'the fetched part of the' if shallow else 'the whole'} history"


def _detect(root: Path, names: list[str], guess: bool) -> None:
    off = [part for plugin in (() if guess else GUESSES) for part in ("--disable-plugin", plugin)]
    command = [
        BIN / "detect-secrets-hook",
        "--no-verify",
        "--exclude-secrets",
        ALLOWED,
        "--exclude-files",
        NO_TEXT,
        *off,
    ]
    for start in range(0, len(names), 500):
        must([*command, *names[start : start + 500]], root)


def _added(root: Path, folder: Path) -> list[str]:
    """Every line that a commit added and that may hold a token, once per path, as files in `folder`."""
    log = subprocess.run(
        [
            "git",
            "log",
            "--all",
            "-p",
            "-U0",
            "--no-color",
            "--no-ext-diff",
            "--diff-filter=AM",
            "--",
            ".",
            ":!*uv.lock",
            ":!.ci/uv.txt",
        ],
        cwd=root,
        capture_output=True,
        text=True,
        errors="replace",
        check=True,
    )
    texts: dict[str, dict[str, None]] = {}
    path = "?"
    for line in log.stdout.splitlines():
        if line.startswith("+++ "):
            path = line.removeprefix("+++ ").removeprefix("b/").strip('"')
        elif line.startswith("+") and TOKEN.search(line):
            texts.setdefault(path, {})[line[1:]] = None
    for name, lines in texts.items():
        target = folder / "history" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join(lines))
    return [f"history/{name}" for name in texts]


def audit(root: Path) -> str:
    """Known vulnerabilities of every locked package (osv.dev), and packages their makers have withdrawn."""
    said = []
    service = os.environ.get("GATES_OSV", "")
    for folder in LOCKS:
        if not (root / folder / "uv.lock").is_file():
            continue
        command: list[str | Path] = [BIN / "uv", "audit", "--frozen", "--preview-features", "audit-command"]
        result = call([*command, *(["--service-url", service] if service else [])], root / folder)
        if result.returncode == 2 and "error sending request" in result.stderr:
            reason = result.stderr.strip().splitlines()[-1].strip()
            raise NotAudited(f"osv.dev cannot be reached from this machine ({reason})")
        if result.returncode:
            raise Found(f"{folder}/uv.lock\n{result.stdout}{result.stderr}")
        said.append(f"{folder}: {result.stderr.strip().splitlines()[-1].rpartition(' in ')[2]}")
    return ", ".join(said)


def terraform(root: Path) -> str:
    """Policy on Terraform: each exception stands beside its resource, with its reason."""
    if not (root / "terraform").is_dir():
        return "no terraform/"
    command = [BIN / "checkov", "-d", "terraform", "--framework", "terraform", "--quiet", "--compact"]
    offline = ["--skip-download", "--download-external-modules", "false"]
    said = must([*command, *offline], root, LOG_LEVEL="ERROR")
    return next((line.strip() for line in said.splitlines() if "Passed checks" in line), "clean")


def dockerfiles(root: Path) -> str:
    """Dockerfiles, and the scripts in them (hadolint)."""
    files = [name for name in tracked(root, "*Dockerfile") if Path(name).name == "Dockerfile"]
    if files:
        must([BIN / "hadolint", *files], root)
    return f"{len(files)} Dockerfiles"


def licences(root: Path) -> str:
    """No package under terms that the README does not name; of the environments that are installed."""
    looked = [folder for folder in (".", "superset") if (root / folder / ".venv/bin/python").exists()]
    if not looked:
        raise NotAudited("no environment is installed: make setup")
    for folder in looked:
        command = [BIN / "pip-licenses", "--python", root / folder / ".venv/bin/python", "--partial-match"]
        must([*command, "--fail-on", LICENCES, "--ignore-packages", *EXCUSED], root)
    return " and ".join(f"{folder}/.venv" for folder in looked)


def sbom(root: Path) -> str:
    """What Millrace is made of, as CycloneDX files, in $GATES_SBOM (default: looked at and thrown away)."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(os.environ.get("GATES_SBOM", scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        names = {".": "millrace-pipeline.cdx.json", "superset": "millrace-superset.cdx.json"}
        for project, name in names.items():
            command = [BIN / "uv", "export", "--frozen", "--quiet", "--no-default-groups", "--format", "cyclonedx1.5"]
            must([*command, "--preview-features", "sbom-export", "--output-file", folder / name], root / project)
        return ", ".join(names.values())


GATES: dict[str, Callable[[Path], str]] = {
    gate.__name__: gate for gate in (workflows, secrets, audit, terraform, dockerfiles, licences, sbom)
}


def install() -> None:
    """Bring the scanners' environment to its lock; half a second when nothing changed."""
    uv = shutil.which("uv") or str(HERE.parents[1] / ".uv" / "bin" / "uv")
    try:
        subprocess.run([uv, "sync", "--frozen", "--quiet", "--system-certs", "--project", HERE], check=True)
    except FileNotFoundError:
        sys.exit("gates: uv is not installed; `make setup` brings it")


def judge(name: str, root: Path, strict: bool) -> tuple[bool, str]:
    """Run a gate; returns whether it passed, and its line with what the scanner found."""
    start = time.monotonic()
    try:
        word, text = "ok", GATES[name](root)
    except NotAudited as reason:
        word, text = ("FAILED" if strict else "NOT AUDITED"), f"not audited: {reason}"
    except Found as findings:
        word, text = "FAILED", f"\n{findings}"
    return word != "FAILED", f"{word:<12}{name:<12}{time.monotonic() - start:5.1f} s  {text}"


def main() -> int:
    """Run the gates side by side; 0 when each passed or could not look, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python3 .ci/gates", description=__doc__)
    parser.add_argument("gates", nargs="*", metavar="GATE", help=f"one of: {', '.join(GATES)}; default: all")
    parser.add_argument("--strict", action="store_true", help="a gate that could not look has failed")
    parser.add_argument("--root", type=Path, default=HERE.parents[1], help="the checkout to look at")
    given = parser.parse_args()
    if unknown := set(given.gates) - set(GATES):
        parser.error(f"no gate {', '.join(sorted(unknown))}; there are: {', '.join(GATES)}")
    install()
    with ThreadPoolExecutor(2) as pool:
        names = given.gates or list(GATES)
        passed = True
        for good, line in pool.map(lambda name: judge(name, given.root.resolve(), given.strict), names):
            print(line, flush=True)
            passed &= good
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
