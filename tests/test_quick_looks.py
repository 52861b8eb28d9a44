"""What is asked for often answers at once: it does not load the libraries that only moving rows needs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import dlt_sources.door
from tests.small import Small

pytestmark = pytest.mark.slow
SLOW = {"dlt", "sqlmesh", "soda_core", "pyiceberg", "pandas", "sqlalchemy", "botocore"}
"""Libraries that take a fifth of a second or more to load."""
LOADED = """
import atexit, json, sys
atexit.register(lambda: open({path!r}, "w").write(json.dumps(sorted(sys.modules))))
sys.argv = ["runner.py", *{words!r}]
import runner
runner.main()
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Small:
    shop = Small(tmp_path_factory.mktemp("quick"), "shop")
    shop.deliver("shop", "0.csv", "1,one", "0,zero")
    shop.declare("shop", max_rejected={"share": 1.0})
    shop.run("run", "--now")
    return shop


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "words",
    [["run"], ["status"], ["status", "--json"], ["rejected"], ["rejected", "--json"], ["--help"]],
    ids=" ".join,
)
def test_a_look_loads_no_library_that_only_moving_rows_needs(shop: Small, words: list[str], tmp_path: Path) -> None:
    modules = tmp_path / "modules.json"
    code = LOADED.format(path=str(modules), words=words)
    subprocess.run([sys.executable, "-c", code], cwd=shop.code, env=shop.environment, check=True, capture_output=True)
    assert SLOW & set(json.loads(modules.read_text())) == set()


def test_status_looks_at_the_models_again_once_a_file_of_theirs_has_changed(shop: Small) -> None:
    model = shop.code / "sqlmesh_project/models/shop_gold/things_now.sql"
    text = model.read_text()
    assert (shop.status()["pending_models"], shop.status()["broken_models"]) == ([], [])
    model.write_text(text.replace("t.id::BIGINT AS id", "(t.id + 0)::BIGINT AS id"))
    assert shop.status()["pending_models"] == ["shop_gold.things_now"]
    model.write_text(text.replace("SELECT", "SELEC"))
    [broken] = shop.status()["broken_models"]
    assert "things_now.sql" in broken["file"]
    shop.run("run", "--now")  # after which the broken file is known
    assert shop.status()["broken_models"] == [broken]
    model.write_text(text)
    shop.run("run", "--now")
    assert (shop.status()["pending_models"], shop.status()["broken_models"]) == ([], [])


def test_every_name_of_the_door_is_there() -> None:
    for name in dlt_sources.door.__all__:
        assert getattr(dlt_sources.door, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = dlt_sources.door.no_such_name
