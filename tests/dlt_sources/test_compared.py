"""What lands of a second read does not depend on how many of its pages are compared at once with what the first one saw."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies

import settings as configuration
from dlt_sources._steps.land import reread
from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import land, load_sources

CONTRACT = """
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id")
    name: str | None = column("name", default=None)
"""
EXTRACT = """
import json
from pathlib import Path
import pyarrow as pa
def things(request, values):
    for page in json.loads(Path(__file__).with_name("pages.json").read_text()):
        yield pa.table(page)
"""
IDS = strategies.integers(1, 9)
ROWS = strategies.lists(strategies.tuples(IDS, strategies.sampled_from(["a", "b", None])), min_size=1, max_size=6)
PAGES = strategies.lists(
    ROWS.flatmap(
        lambda rows: strategies.sampled_from(
            [
                {"id": [n for n, _ in rows], "name": [text or "" for _, text in rows]},
                {"id": [n for n, _ in rows]},  # a page with fewer columns, and one with its columns in another order
                {"name": [text or "" for _, text in rows], "id": [n for n, _ in rows]},
            ]
        )
    ),
    min_size=1,
    max_size=5,
)


def read_twice(folder: Path, monkeypatch: pytest.MonkeyPatch, reads: list[list[dict]], mode: str, at_once: int) -> list:
    """What two reads land, in order."""
    monkeypatch.setenv("ELT_DATA_DIR", str(folder / "data"))
    monkeypatch.setattr(reread, "AT_ONCE", at_once)
    place = folder / "sources" / "shop"
    place.mkdir(parents=True)
    table = {"contract": "Thing", "key": ["id"], "mode": mode, "skip_if_unchanged": True, "shrink_floor": 0}
    declared = {"description": "things", "owner": "me", "schedule": "@daily", "connector": "python"}
    (place / "source.yml").write_text(yaml.safe_dump(declared | {"tables": {"things": table}}))
    (place / "contract.py").write_text(CONTRACT)
    (place / "extract.py").write_text(EXTRACT)
    source = load_sources(place.parent)["shop"]
    landed = []
    for number, pages in enumerate(reads):
        (place / "pages.json").write_text(json.dumps(pages))
        monkeypatch.setenv("ELT_NOW", f"2026-01-0{number + 1}T00:00:00")
        here = configuration.load()
        land(source, here)
        landing = Landing("shop", here)
        files = landing.fetch(landing.files("things", landing.loads()[-1:]), folder / "files")
        rows = [row for file in files for row in pq.read_table(file).to_pylist()]
        shown = [{n: str(v) for n, v in row.items() if not n.startswith("_dlt")} for row in rows]
        landed.append(sorted(shown, key=lambda row: int(row["_row"])))
    return landed


@pytest.mark.slow
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reads=strategies.lists(PAGES, min_size=2, max_size=2), mode=strategies.sampled_from(["upsert", "replace"]))
def test_page_by_page_or_all_at_once(reads, mode, tmp_path_factory, monkeypatch):
    one_by_one = read_twice(tmp_path_factory.mktemp("pages"), monkeypatch, reads, mode, 1)
    assert read_twice(tmp_path_factory.mktemp("whole"), monkeypatch, reads, mode, 64 * 2**20) == one_by_one


def test_what_is_known_is_read_as_often_as_memory_makes_it_and_not_once_a_page(tmp_path, monkeypatch):
    compared = []
    compare = reread.TableRead._compare
    monkeypatch.setattr(reread.TableRead, "_compare", lambda *a: compared.append(len(a[2])) or compare(*a))
    pages = [{"id": [n], "name": ["a"]} for n in range(1, 100)]
    read_twice(tmp_path, monkeypatch, [pages, pages], "upsert", 64 * 2**20)
    assert compared == [99, 99]
