"""A source whose declaration is broken stops itself only, whatever is wrong with it, and says so with file, line and fix."""

import json
import os
import re
import shutil

import pytest
import yaml

from tests import forks, harness

pytestmark = pytest.mark.slow

CONTRACT = """from decimal import Decimal
from dlt_sources._steps.contracts.contract import Contract, column


class Thing(Contract):
    \"\"\"One thing.\"\"\"

    id: int = column("The thing", ge=1)
    name: str = column("Its name", max_length=20)
"""
DECLARED = {
    "description": "things",
    "owner": "me",
    "schedule": "@daily",
    "connector": "files",
    "connection": {"url": "${THINGS}"},
    "tables": {"things": {"contract": "Thing", "key": ["id"], "files": "*.csv"}},
}
PYTHON = DECLARED | {
    "connector": "python",
    "connection": {},
    "tables": {"things": {"contract": "Thing", "key": ["id"]}},
}
YAML = yaml.safe_dump(DECLARED, sort_keys=False)


def contract(old, new):
    return {"source.yml": YAML, "contract.py": CONTRACT.replace(old, new)}


def extract(text):
    return {"source.yml": yaml.safe_dump(PYTHON), "contract.py": CONTRACT, "extract.py": text}


BROKEN = {  # kind: (files, what is said of it)
    "syntax": (contract("id: int =", "id: int = ("), ["contract.py: line 8: SyntaxError", "correct the line"]),
    "wrong_import": (
        contract("Contract, column", "Contract, colum"),
        ["contract.py: line 2: ", "cannot import name 'colum'", "correct the import"],
    ),
    "not_installed": (
        contract("from decimal", "import no_such_package\nfrom decimal"),
        ["contract.py: line 1: No module named 'no_such_package'", "install the package"],
    ),
    "no_digits": (
        contract("name: str", 'price: Decimal = column("Price")\n    name: str'),
        ["contract.py: line 9: Thing.price: a Decimal needs max_digits"],
    ),
    "no_column_type": (contract("name: str", "name: dict"), ["contract.py: line 9: Thing.name: "]),
    "renamed": (
        contract("class Thing", "class Thinga"),
        ["source.yml: tables.things.contract: ", "has no Contract 'Thing'; did you mean 'Thinga'? (line"],
    ),
    "no_contract": ({"source.yml": YAML}, ["no contract.py beside source.yml; make it"]),
    "no_source_yml": ({"contract.py": CONTRACT}, ["source.yml: cannot be read"]),
    "unknown_key": (
        {"source.yml": YAML.replace("owner:", "ownr:"), "contract.py": CONTRACT},
        ["source.yml: ownr: unknown key; did you mean 'owner'? (line 2)"],
    ),
    "not_yaml": ({"source.yml": YAML + "x: [", "contract.py": CONTRACT}, ["source.yml: not YAML", "(line 1"]),
    "not_text": ({"source.yml": b"\xff\xfe\x00", "contract.py": CONTRACT}, ["source.yml: not YAML"]),
    "twice": (
        {"source.yml": YAML + YAML[YAML.index("  things:") :], "contract.py": CONTRACT},
        ["the key 'things' stands twice, first in line 8"],
    ),
    "ends_the_program": (
        contract("from decimal", "raise SystemExit(0)\nfrom decimal"),
        ["contract.py: line 1: ends the program"],
    ),
    "endless": (
        contract("class Thing", "def f(): f()\nf()\n\nclass Thing"),
        ["contract.py: line 5: RecursionError"],
    ),
    "raises": (
        contract("class Thing", "1 / 0\nclass Thing"),
        ["contract.py: line 5: ZeroDivisionError: division by zero"],
    ),
    "base_exception": (
        contract("class Thing", "raise BaseException('gone')\nclass Thing"),
        ["contract.py: line 5: BaseException: gone"],
    ),
    "no_such_type": (contract("name: str", "name: 'Strr'"), ["contract.py: line 5: Thing"]),
    "no_such_key": (
        {"source.yml": YAML.replace("- id", "- idd"), "contract.py": CONTRACT},
        ["tables.things.key: 'idd' is not a field of Thing; did you mean 'id'? (line"],
    ),
    "extract_import": (
        extract("import json\nimport no_such_package\n"),
        ["extract.py: line 2: No module named 'no_such_package'"],
    ),
    "extract_syntax": (extract("def things(:\n"), ["extract.py: line 1: SyntaxError"]),
    "extract_name": (
        extract("def thing(request, values):\n    return []\n"),
        ["extract.py: no function things(request, values)"],
    ),
    "extract_missing": (
        {"source.yml": yaml.safe_dump(PYTHON), "contract.py": CONTRACT},
        ["no extract.py beside source.yml"],
    ),
    "ops": ({"source.yml": YAML, "contract.py": CONTRACT}, ["the name 'ops' is taken"]),
    "sales_staging": ({"source.yml": YAML, "contract.py": CONTRACT}, ["the name 'sales_staging' is taken"]),
}


class Checkout:
    """The project's code with sources of the test's own, and its command line."""

    def __init__(self, folder, environment):
        self.folder, self.data = harness.checkout(folder / "millrace"), folder / "data"
        self.environment = {n: v for n, v in os.environ.items() if not n.startswith("ELT_")} | environment
        self.environment |= {"ELT_DATA_DIR": str(self.data), "HOME": str(folder), "ELT_PII_SALT": harness.SALT}

    def __call__(self, *arguments):
        done = forks.run(arguments, self.folder, self.environment)
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done

    def status(self):
        return json.loads(self("runner.py", "status", "--json").stdout)

    def declare(self, name, files):
        folder = self.folder / "dlt_sources" / name
        folder.mkdir()
        for file, content in files.items():
            (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, world):
    """A checkout that has two good sources of its own and one broken one of each kind."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "drop").mkdir()
    (folder / "drop" / "things.csv").write_text("id,name\n1,one\n2,two\n")
    checkout = Checkout(folder, world.environment | {"ELT_THINGS": str(folder / "drop")})
    for name in ("audiophile", "deftunes_api", "deftunes_db", "taxi"):
        gone = checkout.folder / "dlt_sources" / name
        for setting in re.findall(r"\$\{(\w+)\}", (gone / "source.yml").read_text()):
            checkout.environment.pop(f"ELT_{setting}", None)  # no source refers to it any more: it would be refused
        shutil.rmtree(gone)
    for name in ("audiophile", "deftunes", "taxi"):
        shutil.rmtree(checkout.folder / "soda_checks" / "gold" / name)
    checkout.declare("good", {"source.yml": YAML, "contract.py": CONTRACT})
    for name, (files, _) in BROKEN.items():
        checkout.declare(name, files)
    return checkout


def test_the_others_run_publish_and_show_while_each_broken_one_says_why(checkout):
    done = checkout("runner.py", "run", "--now", "--json")
    run = json.loads(done.stdout)
    assert done.returncode == run["exit_code"] == 2, done.stdout + done.stderr
    assert run["sources"] == ["good", "random_users", "sales"] and run["broken"] == sorted(BROKEN)
    assert run["published"] == ["people", "sales"]
    status = checkout.status()
    assert {row["source"] for row in status["tables"]} == {"good", "random_users", "sales"}
    reasons = {row["source"]: row["reason"] for row in status["broken_sources"]}
    assert reasons.keys() == BROKEN.keys()
    for name, (_, said) in BROKEN.items():
        for text in said:
            assert text in reasons[name], (name, reasons[name])
        assert any(f"{name} is left out" in problem and reasons[name] in problem for problem in run["problems"]), name
        assert reasons[name].startswith(str(checkout.folder / "dlt_sources" / name)), reasons[name]


@pytest.mark.nightly
def test_every_other_command_goes_on_as_well(checkout):
    assert checkout("runner.py", "run", "good").returncode == 0  # it names others only: a note
    noted = checkout("runner.py", "run", "good")
    assert "the declaration of syntax is broken" in noted.stdout and "problem" not in noted.stderr
    both = checkout("runner.py", "run", "good", "syntax")
    assert both.returncode == 2 and "land          good" in both.stdout
    asked = checkout("runner.py", "run", "raises")
    assert asked.returncode == 2 and "line 5: ZeroDivisionError" in asked.stderr
    assert "raises is left out" in checkout("runner.py", "backfill", "raises", "--since", "2020-01-01").stderr
    assert "ZeroDivisionError" in checkout("runner.py", "replay", "raises").stderr
    assert checkout("runner.py", "replay", "good").returncode == 0
    runs = []
    for _ in range(3):  # nothing is due: the first look at the schedule records the failure, the others repeat it
        due = checkout("runner.py", "run")
        assert due.returncode == 2 and "raises is left out" in due.stderr
        runs += harness.Pipeline(checkout.data, {}).query("SELECT max(run_id), count(*) FROM stg_ops.runs")
    assert runs[0] == runs[1] == runs[2]
    [(sources, status)] = harness.Pipeline(checkout.data, {}).query(
        "SELECT sources, status FROM stg_ops.runs ORDER BY started_at DESC LIMIT 1"
    )
    assert sources.split(",") == sorted(BROKEN) and status == "failed"
    checked = checkout("runner.py", "check", "--json")
    assert checked.returncode == 2 and "raises is not checked" in checked.stderr
    scopes = {(row["layer"], row["scope"]) for row in json.loads(checked.stdout)}
    assert {("staging", "sales"), ("gold", "people")} <= scopes
    assert checkout("runner.py", "check", "sales").returncode == 0
    assert checkout("runner.py", "rejected", "--json").returncode == 0
    plan = checkout("runner.py", "plan")
    assert plan.returncode == 0 and "the declaration of raises is broken" in plan.stdout
    doctor = checkout("runner.py", "doctor")
    assert doctor.returncode == 2 and "good: declaration, contracts" in doctor.stdout
    assert "line 5: ZeroDivisionError" in doctor.stdout and "good: answers" in doctor.stdout
    (checkout.folder / "docs" / "reference").mkdir(parents=True)
    derived = checkout("-m", "dlt_sources.derive")
    assert derived.returncode == 2 and "raises: nothing is derived" in derived.stderr
    assert (checkout.folder / "docs" / "reference" / "good.md").exists()


def test_what_a_broken_source_published_stays_and_goes_on_when_it_is_right_again(checkout):
    path = checkout.folder / "dlt_sources" / "sales" / "contract.py"
    right = path.read_text()
    before = harness.Pipeline(checkout.data, {}).gold("sales")
    assert before["sales.fact_sales"]
    path.write_text(right + "\nclass (\n")
    assert checkout("runner.py", "run", "good", "random_users").returncode == 0
    assert checkout("runner.py", "run", "sales").returncode == 2
    assert harness.Pipeline(checkout.data, {}).gold("sales") == before
    status = checkout.status()
    assert "sales" in {row["source"] for row in status["tables"]} & {row["source"] for row in status["broken_sources"]}
    path.write_text(right)
    again = checkout("runner.py", "run", "sales")
    assert again.returncode == 0, again.stdout + again.stderr
    assert harness.Pipeline(checkout.data, {}).gold("sales") == before
