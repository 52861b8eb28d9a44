"""What judging in bulk is worth, and that its cost follows the rows: ``python -m benchmarks.refine``.

Ratios of one run on one machine; the seconds beside them are for orientation only.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from demo.deftunes import DefTunes
from dlt_sources._steps import bulk
from dlt_sources._steps.judge import Judge
from dlt_sources._steps.text import text_of
from dlt_sources.door import load_sources


def seconds(work: Callable[[], object]) -> float:
    """The best of three."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Measure and print."""
    source = load_sources()["deftunes_api"]
    texts = [text_of(slot[0].body) for slot in DefTunes(scale=0.3).sessions]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def judged(count: int) -> None:
            for table in ("sessions", "session_items"):
                parent = results.get("sessions") if table == "session_items" else None
                judge = Judge("benchmark", folder / "work", "salt", datetime.now(UTC))
                results[table] = judge.judge(
                    table, source.tables[table], source.contracts[table], [str(folder / f"1.5.{count}.parquet")], parent
                )

        results: dict = {}  # type: ignore[type-arg]
        for count in (len(texts) // 4, len(texts)):
            marks = {"_row": pa.array(range(count), pa.int64()), "_deleted": pa.array([False] * count)}
            pq.write_table(pa.table({"_payload": texts[:count], **marks}), folder / f"1.5.{count}.parquet")
        quarter, whole = (seconds(lambda n=n: judged(n)) for n in (len(texts) // 4, len(texts)))
        keep = bulk.json_check
        bulk.json_check = lambda column, token: (keep(column, token)[0], "FALSE")  # nothing is sure: all to Pydantic
        alone = seconds(lambda: judged(len(texts)))
        bulk.json_check = keep
    rows = sum(count[0] for result in results.values() for count in result.counts.values())
    print(f"{rows:,} rows of two tables, JSON to judged Parquet")
    print(f"Pydantic row by row : bulk first   {alone / whole:5.1f} : 1   ({alone:.2f} s, {whole:.2f} s)")
    print(f"all rows : a quarter of them       {whole / quarter:5.1f} : 1   ({whole:.2f} s, {quarter:.2f} s)")


if __name__ == "__main__":
    main()
