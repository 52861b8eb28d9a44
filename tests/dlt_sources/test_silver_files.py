"""Silver takes accepted files as they are, and any reader of Iceberg finds their columns by number, whatever they are called later."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from dlt_sources._steps.silver.catalog import catalog
from dlt_sources._steps.silver.silver import Silver
from dlt_sources.door import land, load_sources, refine

CONTRACT = """from typing import Any
from dlt_sources.contract import Contract, column


class Reading(Contract):
    id: int = column("The reading", ge=1)
"""
EXTRACT = """def readings(request, values):
    yield from {rows!r}
"""


def declare(tmp_path, fields, rows):
    """The source `meter`, whose table has `rows` now and whose contract has `fields` beside its key."""
    folder = tmp_path / "sources" / "meter"
    folder.mkdir(parents=True, exist_ok=True)
    table = {"contract": "Reading", "key": ["id"], "mode": "append", "max_rejected": {"share": 1}}
    declared = {"description": "readings", "owner": "me", "schedule": "@daily", "connector": "python"}
    (folder / "source.yml").write_text(yaml.safe_dump(declared | {"tables": {"readings": table}}))
    (folder / "contract.py").write_text(CONTRACT + "".join(f"    {field}\n" for field in fields))
    (folder / "extract.py").write_text(EXTRACT.format(rows=rows))
    return load_sources(folder.parent)["meter"]


def run(source, here):
    land(source, here)
    refine(source, here)
    return catalog(here).load_table("meter.readings")


def files(table):
    return [Path(task.file.file_path.removeprefix("file://")) for task in table.scan().plan_files()]


def rows(table, *names):
    return sorted((tuple(row[name] for name in names) for row in table.scan().to_arrow().to_pylist()), key=str)


NAME = 'name: str | None = column("Its name", max_length=40)'


def test_an_accepted_file_is_silver_s_with_iceberg_s_numbers(tmp_path, here, monkeypatch):
    monkeypatch.setattr("pyiceberg.table.Transaction.append", None)  # nothing is written a second time
    table = run(declare(tmp_path, [NAME], [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": -1}]), here)
    [file] = files(table)
    numbers = {field.name: str(field.field_id).encode() for field in table.schema().fields}
    assert {f.name: f.metadata[b"PARQUET:field_id"] for f in pq.read_schema(file)} == numbers
    assert rows(table, "id", "name") == [(1, "a"), (2, "b")]
    [task] = table.scan(row_filter="id = 1").plan_files()
    assert list(table.scan(row_filter="id > 2").plan_files()) == []  # by the file's own statistics
    assert task.file.record_count == 2 and task.file.file_size_in_bytes == file.stat().st_size


def test_rows_that_pydantic_was_asked_about_are_there_as_well(tmp_path, here):
    own = 'size: Any = column("Whatever it is", pii="drop")'
    count = 'count: int | None = column("How many")'
    found = [{"id": n, "count": count, "size": [1]} for n, count in enumerate((1, "2", 3.0, None, "x"), 1)]
    table = run(declare(tmp_path, [own, count], found), here)
    assert rows(table, "id", "count") == [(1, 1), (2, 2), (3, 3), (4, None)]


def test_a_name_that_is_given_to_another_field_takes_no_value_along(tmp_path, here):
    run(declare(tmp_path, [NAME], [{"id": 1, "name": "a"}]), here)
    Silver("meter", here).rename_columns("readings", {"name": "label"})
    renamed = 'label: str | None = column("Its name", path=["label", "name"], max_length=40)'
    run(declare(tmp_path, [renamed], [{"id": 2, "label": "b"}]), here)
    again = 'name: str | None = column("Another thing", default=None, path="other", max_length=40)'
    table = run(declare(tmp_path, [renamed, again], [{"id": 3, "label": "c", "other": "new"}]), here)
    assert rows(table, "id", "label", "name") == [(1, "a", None), (2, "b", None), (3, "c", "new")]


def test_the_numbers_of_a_table_that_is_not_there_yet_are_those_that_it_gets(tmp_path, here):
    silver = Silver("meter", here)
    assert silver.field_ids("readings", ["id", "name"]) == {"id": 1, "name": 2}
    table = run(declare(tmp_path, [NAME], [{"id": 1, "name": "a"}]), here)
    more = silver.field_ids("readings", ["id", "more"])
    assert more == {"id": 1, "more": table.metadata.last_column_id + 1}


@pytest.mark.parametrize("again", [False, True])
def test_a_load_that_is_refined_again_replaces_its_file(tmp_path, here, again):
    source = declare(tmp_path, [NAME], [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
    table = run(source, here)
    if again:
        [load] = refine(source, here, since="0").loads
        assert load
        table.refresh()
    assert rows(table, "id", "name") == [(1, "a"), (2, "b")]
    assert len(files(table)) == 1
