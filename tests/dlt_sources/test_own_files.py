"""A source's code is as it was read as long as none of its files has changed, also none that it imports from elsewhere."""

import subprocess
import sys

from tests.harness import checkout

CONTRACT = """
from datetime import date
import team.units
from dlt_sources.contract import Contract, column
from dlt_sources._shared import texts
from .rules import LONGEST


class Thing(Contract):
    id: int = column("id", le=team.units.MOST)
    name: str = column("name", max_length=LONGEST)
"""
FILES = {
    "team/__init__.py": "",
    "team/units.py": "def most():\n    from team.limits import MOST\n    return MOST\n\n\nMOST = most()\n",
    "team/limits.py": "MOST = 9\n",
    "team/others.py": "",
    "dlt_sources/_shared/__init__.py": "",
    "dlt_sources/_shared/texts.py": "",
    "dlt_sources/shop/__init__.py": "",
    "dlt_sources/shop/contract.py": CONTRACT,
    "dlt_sources/shop/rules.py": "LONGEST = 10\n",
}
ASKS = """
import os, sys
from pathlib import Path
from dlt_sources._steps.declared import own_code

own_code.load(own_code.FOLDER / "shop" / "contract.py")
for name in sys.argv[1:]:
    path = Path(name)
    before, facts = path.read_text(), path.stat()
    path.write_text(before + "# another line" + chr(10))
    changed = own_code.is_as_read("dlt_sources.shop.contract")
    path.write_text(before)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    print(name, changed, own_code.is_as_read("dlt_sources.shop.contract"))
"""
NOTICED = [name for name in FILES if name != "team/others.py"]


def test_a_change_of_any_of_them_is_noticed(tmp_path):
    folder = checkout(tmp_path / "project")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    done = subprocess.run([sys.executable, "-c", ASKS, *FILES], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{name} {name not in NOTICED} True" for name in FILES]
