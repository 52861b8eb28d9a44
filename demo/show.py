"""`runner.py demo`: the upstream world, the pipeline over its days, and the result."""

from __future__ import annotations

import os
import shlex
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

import settings as configuration
from foundation.console import Console
from foundation.environment import ROOT, demo_folder, use_demo
from settings import Settings

from . import folder as demo_data
from . import shipped
from .records import DAYS, day_of
from .world import SETTINGS, World


def show(run_flow: Callable[..., int], scale: float, seed: int, keep: bool) -> int:
    """Run the demo and print what it did; returns the exit code of the first run that failed, 0 when all went well.

    It works in a folder of its own, on the shipped sources, with settings of its own: nothing of the user's is read or
    touched.

    Raises:
        SettingsError: the demo's folder holds something that no demo made, or its sources were removed or changed so that
            they would ask other systems.
    """
    warnings.filterwarnings("ignore", module="platformdirs")
    console, start = Console(), time.monotonic()
    folder = demo_folder()
    changed = shipped.changed(ROOT / "dlt_sources")
    with demo_data.claimed(folder):
        demo_data.mark(folder, {})
        use_demo()
        _look_at(console, changed)
        console.out.print(
            f"Starting the upstream world at scale {scale:g}: two APIs, a site, published files, a file drop and a Postgres.\n"
            f"{_say_estimate(scale)} All of it, and what comes out, is kept in {_short(folder)}."
        )
        with World(folder / demo_data.WORLD, scale, seed) as world:
            for day in range(DAYS):
                if day:
                    world.advance()
                console.out.print(f"\n[bold]{day_of(day)}[/bold]  {_NEWS[min(day, 1)]}")
                if code := _run(run_flow, folder, world):
                    return code
            console.out.print("\n[bold]Once more[/bold]  nothing has changed upstream")
            if code := _run(run_flow, folder, world):
                return code
            equal = _results(configuration.load(), console, world, changed)
            console.out.print(f"\nThe demo took {time.monotonic() - start:.0f} s. {_next(folder)}")
            if keep:
                _wait(console, folder)
    return 0 if equal else 1


def estimate(scale: float, load: float) -> tuple[float, float, float]:
    """(minutes, GB of disk, GB of memory) of a demo, taken to grow with the scale, and the minutes with the machine's load.

    Args:
        load: processes that wait for each core. With more of them the demo gets less of it, and less than its share.
    """
    return (1.5 + 1.5 * scale) * (1 + load / 2), 0.2 + 0.35 * scale, 0.7 + 1.1 * scale


def _say_estimate(scale: float) -> str:
    """How long and how large the demo will be."""
    try:
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
    except OSError:  # the system does not count it
        load = 0
    minutes, disk, memory = estimate(scale, load)
    busy = f", while this machine is as busy as now ({load:.0f} processes for each core)" if load >= 1 else ""
    return (
        f"It takes about {minutes:.0f} minutes{busy or ', longer on a busy machine'}, about {disk:.1f} GB of disk and"
        f" {memory:.0f} GB of memory."
    )


def clear() -> int:
    """Remove the demo's data and say what was removed; returns the exit code.

    Raises:
        SettingsError: the folder holds something that no demo made; nothing was removed.
    """
    folder = demo_folder()
    removed = demo_data.remove(folder)
    Console().out.print(f"{folder} is removed." if removed else f"There is no demo data: {folder} does not exist.")
    return 0


def _look_at(console: Console, changed: list[str]) -> None:
    """Refuse changed sources that would leave the demo's world; say so of the others."""
    from dlt_sources.door import load_sources

    if changed:
        shipped.refuse_other_systems(load_sources(), changed, SETTINGS)
        console.note(_changed(changed))


def _changed(names: list[str]) -> str:
    paths = ", ".join(f"dlt_sources/{name}" for name in names)
    return f"{paths} changed since shipped: results may differ from what the demo expects"


_NEWS = (
    "a month of history arrives, dirty on purpose",
    "new, late, corrected and removed records arrive",
)
_NEXT = """What to do next:
  {here} python runner.py status     what ran, what is fresh, which checks failed
  {here} python runner.py rejected   the rows that broke their contract, and why
  python runner.py dashboards serve --demo   the published data in a browser
  duckdb -readonly {serving}   or any DuckDB client: the published tables
  python runner.py demo --keep    leave the world running and point your own runs at it
  README.md                       how to add a source, change a model, add a check"""


def _next(folder: Path) -> str:
    return _NEXT.format(here=f"ELT_DATA_DIR={_short(folder)}", serving=_short(folder / "serving.duckdb"))


def _short(path: Path) -> str:
    """A path for a command line in the checkout: relative where it lies in it."""
    return shlex.quote(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path))


def _run(run_flow: Callable[..., int], folder: Path, world: World) -> int:
    """What `python runner.py run --now` does, in this process: the imports of a fresh one would be half the demo."""
    from dlt_sources.door import load_sources

    demo_data.mark(folder, world.environment)
    return run_flow("run", list(load_sources()))


def _results(settings: Settings, console: Console, world: World, changed: list[str]) -> bool:
    with duckdb.connect(str(settings.serving.resolve()), read_only=True) as con:

        def rows(query: str) -> list[dict[str, Any]]:
            found = con.execute(query)
            names = [column[0] for column in found.description or []]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

        console.out.print()
        console.table("Rows per table", rows(_LAYERS), "none")
        console.table("Rejected rows, the most frequent reasons", rows(_REASONS), "none")
        console.table("Published", _published(con), "none")
        for title, query in _SAMPLES.items():
            console.table(title, rows(query), "none")
        wrong = differences(con, world)
    for line in wrong:
        console.problem(line)
    if wrong and changed:
        console.note(_changed(changed))
    if not wrong:
        console.out.print("[green]Gold and the rejected rows are exactly what the world's own oracle expects.[/green]")
    return not wrong


_LAYERS = "SELECT source, table_name AS 'table', landed, accepted, rejected FROM ops.freshness ORDER BY 1, 2"
_REASONS = """SELECT source, table_name AS 'table', field, rule, count(*) AS rows FROM ops.rejected_rows
GROUP BY ALL ORDER BY rows DESC, 1, 2, 3 LIMIT 8"""
_SAMPLES = {
    "deftunes.sales_per_artist_vw": "SELECT * FROM deftunes.sales_per_artist_vw ORDER BY total_sales DESC LIMIT 3",
    "audiophile.highest_rank_company_headphone": """SELECT company_name, average_rating, number_of_products AS products
        FROM audiophile.highest_rank_company_headphone ORDER BY number_of_products DESC, 1 LIMIT 3""",
    "sales.dim_products: a product and its versions": """SELECT product_code, list_price, valid_from, valid_to
        FROM sales.dim_products WHERE product_code = (SELECT product_code FROM sales.dim_products GROUP BY 1
        ORDER BY count(*) DESC, 1 LIMIT 1) ORDER BY valid_from""",
    "taxi.daily_trips": "SELECT taxi_type, trip_date, trips, refunds, total_amount FROM taxi.daily_trips ORDER BY 2, 1 LIMIT 3",
    "people.signups_per_minute": "SELECT * FROM people.signups_per_minute ORDER BY signups DESC, minute LIMIT 3",
}


def _published(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    found = con.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema <> 'ops' ORDER BY 1, 2"
    ).fetchall()
    counts: dict[str, dict[str, Any]] = {}
    for domain, table in found:
        line = counts.setdefault(domain, {"domain": domain, "tables": 0, "rows": 0, "largest": "", "_most": -1})
        rows = con.execute(f'SELECT count(*) FROM "{domain}"."{table}"').fetchall()[0][0]
        line["tables"] += 1
        line["rows"] += rows
        if rows > line["_most"]:
            line["largest"], line["_most"] = f"{table} ({rows:,})", rows
    return [{name: value for name, value in line.items() if name != "_most"} for line in counts.values()]


def differences(con: duckdb.DuckDBPyConnection, world: World) -> list[str]:
    """How the published data differs from what the world's oracle expects; empty when it is equal."""
    oracle = world.oracle()
    artists = {
        (y, n): v
        for y, n, v in con.execute(
            "SELECT session_year, artist_name, total_sales FROM deftunes.sales_per_artist_vw"
        ).fetchall()
    }
    countries = {
        (m, y, c): v
        for m, y, c, v in con.execute(
            "SELECT session_month, session_year, country_code, total_sales FROM deftunes.sales_per_country_vw"
        ).fetchall()
    }
    items, revenue = con.execute("SELECT count(*), sum(price) FROM deftunes.fact_order_items").fetchall()[0]
    rejected = Counter(
        {
            (t, f, r): n
            for t, f, r, n in con.execute(
                "SELECT table_name, field, rule, count(*) FROM ops.rejected_rows GROUP BY ALL"
            ).fetchall()
        }
    )
    status = {
        name: Counter(dict(con.execute(f"SELECT status, count(*) FROM deftunes.{name} GROUP BY 1").fetchall()))
        for name in oracle.status
    }
    songs = con.execute(
        "SELECT track_id, song_id, title, release, year, artist_id, duration FROM deftunes.dim_songs WHERE status = 'known'"
    ).fetchall()
    pairs = [
        ("songs", Counter(songs), Counter(oracle.songs)),
        ("items", items, oracle.items),
        ("revenue", revenue, oracle.revenue),
        ("revenue by year and artist", artists, dict(oracle.by_artist)),
        ("revenue by month, year and country", countries, dict(oracle.by_country)),
        ("rejected rows", rejected, world.rejected()),
        *((name, status[name], counts) for name, counts in oracle.status.items()),
    ]
    for name, query, rows in world.expected():
        found = con.execute(f"SELECT * FROM ({query}) ORDER BY ALL").fetchall()
        pairs.append((name, Counter(found), Counter(rows)))
    return [f"{name}: found {_brief(got, want)}" for name, got, want in pairs if got != want]


def _brief(got: Any, want: Any) -> str:
    if isinstance(got, dict):
        odd = [key for key in {*got, *want} if got.get(key) != want.get(key)]
        return "; ".join(f"{key}: {got.get(key)} instead of {want.get(key)}" for key in odd[:5])
    return f"{got} instead of {want}"


def _wait(console: Console, folder: Path) -> None:
    console.out.print("\nThe world goes on. In another shell, commands work on it after:")
    console.out.print(f"  export ELT_DATA_DIR={_short(folder)}")
    console.out.print("That is all: addresses and clock are the demo's as long as it is set. Ctrl-C stops the world.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return
