"""What a second read of a whole table costs as the table grows: ``python -m benchmarks.reread [ROWS]``.

Lands a table of ROWS rows, and of a half and a quarter of them, then reads each again with nothing changed: every row is
compared with what the first read saw. CPU seconds of this process; the ratio is to the first read of the same rows.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import yaml

import settings as configuration
from benchmarks.turns import CONTRACT
from dlt_sources.door import land, load_sources

PAGE = 20_000
EXTRACT = """import pyarrow as pa


def readings(request, values):
    for start in range(1, {rows}, {page}):
        numbers = range(start, start + {page})
        yield pa.table({{"id": list(numbers), "name": [f"reading {{n}}" for n in numbers]}})
"""


def read_twice(folder: Path, rows: int) -> list[float]:
    """Seconds of the first and of the second read."""
    place = folder / "sources" / "meter"
    place.mkdir(parents=True)
    table = {"contract": "Reading", "key": ["id"], "mode": "replace"}
    declared = {"description": "readings", "owner": "me", "schedule": "@daily", "connector": "python"}
    (place / "source.yml").write_text(yaml.safe_dump(declared | {"tables": {"readings": table}}))
    (place / "contract.py").write_text(CONTRACT)
    (place / "extract.py").write_text(EXTRACT.format(rows=rows, page=PAGE))
    os.environ["ELT_DATA_DIR"] = str(folder / "data")
    source, took = load_sources(place.parent)["meter"], []
    for landed in (rows, 0):
        start = time.process_time()
        assert sum(land(source, configuration.load()).values()) == landed
        took.append(time.process_time() - start)
    return took


def main(rows: int) -> None:
    """Measure, and print a table."""
    print("| rows | first read, s | second read, s | ratio |\n|---|---|---|---|")
    for part in (rows // 4, rows // 2, rows):
        with tempfile.TemporaryDirectory() as name:
            first, second = read_twice(Path(name), part // PAGE * PAGE)
        print(f"| {part // PAGE * PAGE:,} | {first:.1f} | {second:.1f} | {second / first:.2f} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
