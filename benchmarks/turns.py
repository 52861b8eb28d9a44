"""What a turn costs as history grows: ``python -m benchmarks.turns [TURNS]``.

Lands and refines a source of ROWS new rows per turn, again and again in one process, as `serve` does. Times are medians of
ten turns: of this process's CPU, which other programs do not change, and count as ratios of one run on one machine. Sizes
are of whole folders.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import yaml

import settings as configuration
from dlt_sources.door import Source, land, load_sources, refine
from settings import Settings

ROWS = 5
FIRST = 20
"""The turn that the others are compared with."""
CONTRACT = """from dlt_sources.contract import Contract, column


class Reading(Contract):
    \"\"\"One reading.\"\"\"

    id: int = column("The reading", ge=1)
    name: str = column("Its name", max_length=40)
"""
EXTRACT = """from pathlib import Path


def readings(request, values):
    turn = int(Path(__file__).with_name("turn.txt").read_text())
    for number in range({rows}):
        yield {{"id": turn * {rows} + number + 1, "name": f"reading {{turn}} {{number}}"}}
"""


def declare(folder: Path, rows: int = ROWS) -> Source:
    """A source of one table that has `rows` new rows whenever `set_turn` was called."""
    place = folder / "sources" / "meter"
    place.mkdir(parents=True)
    table = {"contract": "Reading", "key": ["id"], "mode": "upsert"}
    declared = {"description": "readings", "owner": "me", "schedule": "* * * * *", "connector": "python"}
    (place / "source.yml").write_text(yaml.safe_dump(declared | {"tables": {"readings": table}}))
    (place / "contract.py").write_text(CONTRACT)
    (place / "extract.py").write_text(EXTRACT.format(rows=rows))
    set_turn(folder, 0)
    return load_sources(place.parent)["meter"]


def set_turn(folder: Path, turn: int) -> None:
    """Let the source have the rows of a turn."""
    (folder / "sources" / "meter" / "turn.txt").write_text(str(turn))


def take_turn(source: Source, settings: Settings) -> float:
    """Land and refine; returns the seconds of CPU."""
    start = time.process_time()
    land(source, settings)
    refine(source, settings)
    return time.process_time() - start


def places(settings: Settings) -> dict[str, tuple[int, int]]:
    """Per place of the data folder: (files, kB)."""
    landing = Path(settings.landing) / "meter"
    parts = {path.name: path for path in landing.iterdir() if path.is_dir()}
    parts |= {"silver": Path(settings.silver), "dlt": settings.dlt, "warehouse": settings.warehouse}
    found = {}
    for name, place in sorted(parts.items()):
        files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
        found[name] = (len(files), sum(path.stat().st_size for path in files) // 1000)
    return found


def main(turns: int = 1000) -> None:
    """Take the turns and print what they cost."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["ELT_DATA_DIR"] = str(folder / "data")
        settings, source = configuration.load(), declare(folder)
        times: list[float] = []
        shown = [number for number in (FIRST, 100, 300, 1000, 2000, 5000) if number < turns] + [turns]
        for turn in range(1, turns + 1):
            set_turn(folder, turn)
            times.append(take_turn(source, settings))
            if turn in shown:
                took, first = statistics.median(times[-10:]), statistics.median(times[FIRST - 10 : FIRST])
                sizes = ", ".join(f"{place} {files}/{size:,} kB" for place, (files, size) in places(settings).items())
                print(f"turn {turn}: {took * 1000:.0f} ms, {took / first:.2f} x turn {FIRST}; {sizes}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
