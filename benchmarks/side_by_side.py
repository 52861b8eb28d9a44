"""What reading the pieces of a backfill side by side saves: ``python -m benchmarks.side_by_side [PIECES [SECONDS [AT_ONCE]]]``.

The source is a team's own code that takes SECONDS to answer for each piece, as an API or a large table does, and brings a
thousand rows. Seconds are of one sitting; the ratio is to the same backfill whose pieces are read in their turn.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.many import declare
from tests.small import CONTRACT, MODEL, UNIT_TEST, Small

CODE = """
import time
from datetime import timedelta

def things(request, values):
    time.sleep({seconds})
    day = request.since.date()
    while day <= request.upto:
        yield from ({{"id": day.toordinal() * 1000 + n, "name": str(n), "day": str(day)}} for n in range(1000))
        day += timedelta(days=1)
"""
FIRST = datetime(2025, 1, 1)


def make(folder: Path, seconds: float) -> Small:
    """A checkout with the slow source and a model."""
    small = Small(folder)
    declare(small, "slow", "python", {}, cursor="day")
    own = small.code / "dlt_sources" / "slow"
    (own / "extract.py").write_text(CODE.format(seconds=seconds))
    day = '    day: date = column("Its day")\n'
    (own / "contract.py").write_text(CONTRACT.replace("from dlt", "from datetime import date\n\nfrom dlt", 1) + day)
    models = small.code / "sqlmesh_project" / "models" / "slow_gold"
    models.mkdir()
    (models / "things_now.sql").write_text(MODEL.format(name="slow"))
    (small.code / "sqlmesh_project" / "tests" / "test_slow.yaml").write_text(UNIT_TEST.format(name="slow"))
    small("-m", "dlt_sources.derive")
    return small


def main(pieces: int = 6, seconds: float = 20.0, at_once: int = 4) -> None:
    """Run, and print a table."""
    until = FIRST + timedelta(days=pieces - 1)
    words = ["backfill", "slow", "--since", f"{FIRST:%Y-%m-%d}", "--until", f"{until:%Y-%m-%d}", "--days", "1"]
    print(f"| {pieces} pieces, {seconds:g} s for each answer | s | ratio |\n|---|---|---|")
    before = 0.0
    with tempfile.TemporaryDirectory() as folder:
        small = make(Path(folder), seconds)
        ways = {"each read in its turn": [], f"{at_once} read at once": ["--at-once", str(at_once)]}
        for name, more in ways.items():
            began = time.monotonic()
            small.run(*words, *more, ELT_DATA_DIR=str(Path(folder, name.replace(" ", "_"))))
            took = time.monotonic() - began
            before = before or took
            print(f"| {name} | {took:.0f} | {took / before:.2f} x |", flush=True)


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((int, float, int), sys.argv[1:], strict=False)))  # type: ignore[arg-type]
