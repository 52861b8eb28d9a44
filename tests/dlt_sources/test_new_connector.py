"""The connector that CONTRIBUTING.md adds, as written there: two files, and everything else follows from them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from dlt_sources._steps.declared.source_kinds import connectors
from tests import forks
from tests.harness import ROOT, Pipeline
from tests.small import own_checkout

PAGE = ROOT / "CONTRIBUTING.md"
CONTRACT = '''"""What an account is."""

from dlt_sources.contract import Contract, column


class Account(Contract):
    """One account."""

    account: int = column("Its number", ge=1)
    holder: str = column("Whose it is", pii="hash", max_length=20)
    cents: int | None = column("What is on it", unit="cents")
'''
PAGES = "import json; from dlt_sources.reference import pages; print(json.dumps([text for _, text in pages()]))"
READS = """
import json, os, pathlib, sys
import settings
from dlt_sources.door import land, load_sources, reach
from errors import MillraceError
here, file = settings.load(), pathlib.Path(os.environ["ELT_LEDGER_FOLDER"], "accounts.txt")
source, said = load_sources()["ledger"], []
for content in json.loads(sys.argv[1]):
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content.encode("latin-1"))
    try:
        said.append(land(source, here))
    except MillraceError as error:
        said.append([int(error.exit_code), str(error)])
print(json.dumps([reach(source, here), *said]))
"""
ROWS = "000001Ada           0000000100\n000002Grace\n"


def fences(language: str) -> list[str]:
    """The page's blocks of a language, without what indents them."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return [re.sub(rf"(?m)^{indent}", "", text) for indent, text in found]


@pytest.mark.slow
def test_the_connector_of_the_page_is_two_files_and_keeps_the_promises_of_the_others(tmp_path: Path) -> None:
    project = own_checkout(tmp_path / "project")
    steps = project / "dlt_sources" / "_steps"
    kinds = steps / "declared" / "source_kinds.py"
    module = steps / "land" / "connectors" / "fixed_width.py"
    declared, code = fences("python")
    imports, classes = declared.split("\n\n\n", 1)
    before, ours = kinds.read_text().split("from .source_yml import AnySource\n")
    kinds.write_text(f"{before}from .source_yml import AnySource\n{imports}\n{ours}\n\n{classes}")
    module.write_text(code)
    _tidy(kinds, module)
    source = project / "dlt_sources" / "ledger"
    source.mkdir()
    [(source / "source.yml").write_text(text) for text in fences("yaml")]
    (source / "contract.py").write_text(CONTRACT)
    folder = tmp_path / "ledger"
    folder.mkdir()
    environment = Pipeline(tmp_path / "data", {"ELT_LEDGER_FOLDER": str(folder)}).environment

    def command(*words: str, code: int = 0) -> str:
        done = forks.run(words, project, environment)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    schema, page = json.loads(command("-c", PAGES))
    assert "FixedWidthSource" in json.loads(schema)["$defs"]
    assert "first and its last character" in page.split("## FixedWidthTable")[1]

    (folder / "accounts.txt").write_text(ROWS)
    assert "accounts: 2 accepted, 0 rejected" in command("runner.py", "test", "ledger")
    corrected, cut, other = ROWS.replace("0100", "0200"), ROWS[:-1], ROWS.replace("Ada", "\xe4da")
    contents = [ROWS, ROWS, corrected, corrected[:31], cut, other, None]
    where, first, again, changed, gone, *broken = json.loads(command("-c", READS, json.dumps(contents)))
    assert where == str(folder)
    assert (first, again, changed) == ({"accounts": 2}, {}, {"accounts": 1})
    assert gone == {"accounts": 1}, "the row that has vanished is marked"
    assert [code for code, _ in broken] == [3, 3, 2]
    for (_, text), reason in zip(broken, ("cut off", "not UTF-8", "no such file"), strict=True):
        assert "accounts.txt" in text and reason in text and "nothing of this read was landed" in text


def _tidy(*files: Path) -> None:
    """The page's code is as the linters want it; where its imports go is left to them."""
    ruff = [ROOT / ".venv" / "bin" / "ruff"]
    subprocess.run(
        [*ruff, "check", "-q", "--fix", "--select", "I", "--config", ROOT / "pyproject.toml", *files], check=True
    )
    for check in (["check", "-q"], ["format", "--check", "-q"]):
        subprocess.run([*ruff, *check, "--config", ROOT / "pyproject.toml", *files], check=True)


def test_the_how_to_has_a_line_for_every_connector() -> None:
    page = (ROOT / "docs" / "how-to.md").read_text(encoding="utf-8")
    table = page.split("By connector:")[1].split("\n\n")[1]
    assert [name for name in connectors() if f"\n| `{name}` |" not in table] == []
