"""No code runs because of data or configuration: no eval, no pickle, no shell, no unsafe YAML, no unverified TLS.

Each module of the project is read as a syntax tree. What ruff's rules also see is here for the files that ruff is told
to be lenient with, and for people who change ruff's settings.
"""

import ast
from pathlib import Path

import pytest

from tests.harness import ROOT

OURS = ("dlt_sources", "warehouse", "runtime", "soda_checks", "sqlmesh_project", "superset", "demo", "benchmarks")
MODULES = sorted(
    path
    for path in [*ROOT.glob("*.py"), *(path for folder in OURS for path in (ROOT / folder).rglob("*.py"))]
    if not {".venv", ".cache", "data"} & set(path.relative_to(ROOT).parts)
)
CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "pty.spawn",
    "marshal.loads",
    "marshal.load",
    "runpy.run_path",
    "tempfile.mktemp",
    "yaml.unsafe_load",
    "yaml.full_load",
    "yaml.load_all",
    "ssl._create_unverified_context",
    "numpy.load",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell",
    "requests.packages.urllib3.disable_warnings",
    "urllib3.disable_warnings",
    "tarfile.open",
    "zipfile.ZipFile",
    "shutil.unpack_archive",
}
IMPORTS = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "shelve",
    "marshal",
    "jsonpickle",
    "joblib",
    "telnetlib",
    "ftplib",
    "xmlrpc",
}
SAFE_LOADERS = {"_LOADER", "yaml.SafeLoader", "yaml.CSafeLoader"}  # superset/scripts/files.py: SafeLoader made in C
UNPACKS_NOTHING = {("dlt_sources/_steps/land/connectors/text_files.py", "zipfile.ZipFile")}
"""It adds up what the parts of a workbook would be unpacked, before anything is."""
OWN_CODE = {"dlt_sources/_steps/declared/own_code.py"}
"""They load contract.py and extract.py, which are the team's own code under review; their names come from no data."""


def dotted(node):
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def faults(text, name=""):
    """(line, what) of everything that may run what it was given."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from ((node.lineno, f"import {m}") for m in modules if m.split(".")[0] in IMPORTS)
        if (
            isinstance(node, ast.Attribute)
            and node.attr in ("spec_from_file_location", "exec_module")
            and name not in OWN_CODE
        ):
            yield node.lineno, node.attr
        if not isinstance(node, ast.Call):
            continue
        called = dotted(node.func)
        if (called in CALLS and (name, called) not in UNPACKS_NOTHING) or called.startswith(("os.exec", "os.spawn")):
            yield node.lineno, called
        given = {dotted(argument) for argument in [*node.args, *(word.value for word in node.keywords)]}
        if called == "yaml.load" and not given & SAFE_LOADERS:
            yield node.lineno, called
        for word in node.keywords:
            value = word.value.value if isinstance(word.value, ast.Constant) else None
            if (word.arg == "shell" and value is not False) or (
                word.arg in ("verify", "ssl", "check_hostname") and value is False
            ):
                yield node.lineno, f"{word.arg}={value}"
            if word.arg == "sslmode" and value not in (None, "verify-full"):
                yield node.lineno, f"sslmode={value}"
            if word.arg in ("allow_pickle", "trust_remote_code", "trust_env") and value is not False:
                yield node.lineno, word.arg


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_runs_nothing_it_was_given(path):
    found = list(faults(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))))
    assert not found, f"{path.relative_to(ROOT)}: {found}"


def test_every_module_was_read():
    assert len(MODULES) > 80 and {"runner.py", "settings.py"} < {path.name for path in MODULES}
    assert all((ROOT / name).exists() for name in OWN_CODE)


@pytest.mark.parametrize(
    "bad",
    [
        "import pickle",
        "from pickle import loads",
        "eval(x)",
        "exec(x)",
        "import os\nos.system('ls')",
        "import yaml\nyaml.load(x)",
        "import yaml\nyaml.load(x, Loader=yaml.Loader)",
        "import subprocess\nsubprocess.run(x, shell=True)",
        "requests.get(u, verify=False)",
        "subprocess.run(x, shell=flag)",
        "psycopg2.connect(sslmode='require')",
        "importlib.util.spec_from_file_location('a', x)",
        "os.execvp(x, y)",
        "tarfile.open(x)",
        "numpy.load(x, allow_pickle=True)",
    ],
)
def test_each_of_them_would_be_found(bad):
    assert list(faults(bad)), bad


def test_ruff_s_own_rules_are_on():
    import tomllib

    lint = tomllib.loads(Path(ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    off = {"S102", "S301", "S307", "S323", "S501", "S506", "S602", "S604", "S605", "S609"} & set(lint["ignore"])
    assert "S" in lint["select"] and not off
