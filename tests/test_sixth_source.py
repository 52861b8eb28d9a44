"""A sixth source is a folder with source.yml and contract.py: nothing else is touched, whatever it is read from."""

import json
import os

import duckdb
import pytest
import yaml

from tests import forks, harness
from tests.web import serve

pytestmark = pytest.mark.slow

CONTRACT = '''"""What a thing is."""

from dlt_sources._steps.contracts.contract import Contract, column


class Thing(Contract):
    """One thing."""

    id: int = column("The thing", ge=1)
    name: str = column("Its name", min_length=1, max_length=20)
'''
PAGE = "<html><body><table><thead><tr><th>Id</th><th>Name</th></tr></thead>{}</table></body></html>"
ROWS = [(1, "one"), (2, "two"), (3, "")]


@pytest.fixture
def upstream(tmp_path):
    """The same three rows, one of them wrong, from an API, a page and a folder."""

    def answer(request):
        lines = "".join(f"<tr><td>{i}</td><td>{name}</td></tr>" for i, name in ROWS)
        records = json.dumps({"data": [{"id": i, "name": name} for i, name in ROWS]})
        return 200, {}, (PAGE.format(f"<tbody>{lines}</tbody>") if request.path == "/page" else records).encode()

    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "things.csv").write_text("id,name\n" + "".join(f"{i},{name}\n" for i, name in ROWS))
    with serve(answer) as url:
        yield {
            "rest_api": ({"base_url": url}, {"endpoint": {"path": "things", "data_selector": "data"}}),
            "html_table": ({"base_url": url}, {"page": "page", "mode": "scd2", "deletes": "soft"}),
            "files": ({"url": str(folder)}, {"files": "*.csv"}),
        }


def test_three_more_sources_of_yaml_and_contract_run_through_the_whole_flow(upstream, tmp_path):
    checkout = harness.checkout(tmp_path / "millrace")
    for connector, (connection, table) in upstream.items():
        folder = checkout / "dlt_sources" / f"my_{connector}"
        folder.mkdir()
        declared = {
            "description": "things",
            "owner": "me",
            "schedule": "@daily",
            "connector": connector,
            "connection": connection,
            "tables": {"things": {"contract": "Thing", "key": ["id"], **table}},
        }
        (folder / "source.yml").write_text(yaml.safe_dump(declared))
        (folder / "contract.py").write_text(CONTRACT)
    data = tmp_path / "data"

    def call(*arguments: str) -> str:
        environment = os.environ | {"ELT_DATA_DIR": str(data), "HOME": str(tmp_path)}
        done = forks.run(arguments, checkout, environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    call("-m", "dlt_sources.derive")
    names = [f"my_{connector}" for connector in upstream]
    said = call("runner.py", "run", *names)
    assert "landed 9 rows · accepted 6 · rejected 3" in said
    with duckdb.connect(str(data / "warehouse.duckdb")) as con:
        for name in names:
            assert con.execute(f"SELECT id, name FROM stg_{name}.things ORDER BY 1").fetchall() == ROWS[:2]
            loads = f"SELECT landed, accepted, rejected FROM ops.loads WHERE source = '{name}'"
            assert con.execute(loads).fetchall() == [(3, 2, 1)]
            checks = f"SELECT count(*) FROM ops.check_results WHERE scope = '{name}' AND outcome = 'passed'"
            assert con.execute(checks).fetchall()[0][0] > 3
    assert "landed 0 rows" in call("runner.py", "run", *names)
    status = json.loads(call("runner.py", "status", "--json"))
    assert status["pending_models"] == []
