"""`make demo-aws`: the demo's world, and the pipeline on target aws over it, on this machine: no account, nothing to pay.

The command line, its clients and its statements are the ones of production. S3, Glue, IAM, Secrets Manager, Redshift and
the RDS Postgres are this folder's stand-ins, and the pipeline may do what Terraform's policy allows, nothing else.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa

from demo.records import DAYS, day_of
from demo.show import differences
from demo.world import World
from foundation.console import Console
from tests.aws.estate import BUCKET, AwsPipeline, Estate

SCALE = 0.02


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; returns 0 when gold on Redshift is what the world's oracle expects, else the failed run's exit code or 1."""
    warnings.filterwarnings("ignore", module="platformdirs")
    options = _parser().parse_args(arguments)
    folder, console, begun = Path(tempfile.mkdtemp(prefix="millrace-aws-")), Console(), time.monotonic()
    try:
        with World(folder / "world", options.scale, options.seed) as world, Estate(folder, world.postgres) as estate:
            named = estate.prepare_for(world)
            console.out.print(
                f"An account on this machine: S3 at {estate.cloud.endpoint}, Redshift at localhost:{estate.redshift.port},"
                f" the state's Postgres at localhost:{estate.tls.port}."
            )
            code = _run_days(console, world, estate, named, folder, options.days)
            if code == 0:
                code = _show_results(console, world, estate)
            console.out.print(
                f"The demo took {time.monotonic() - begun:.0f} s. docs/deploy.md brings it to a real account."
            )
            return code
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("make demo-aws", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scale", type=float, default=SCALE, help="of the world; 1 is 100,000 sessions")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=int, choices=range(1, DAYS + 1), default=2, help="of the world")
    return parser


def _run_days(console: Console, world: World, estate: Estate, named: dict[str, str], folder: Path, days: int) -> int:
    """Run the pipeline on each day of the world, and once more; returns the exit code of the first run that failed, or 0.

    Every run has a new folder, as a task of Fargate does. The events that it prints for CloudWatch are left out.
    """
    for run in range(days + 1):
        if 0 < run < days:
            world.advance()
        title = f"{day_of(run)}" if run < days else "Once more  nothing has changed upstream"
        console.out.print(f"\n[bold]{title}[/bold]")
        result = AwsPipeline(folder / f"task{run}" / "data", estate, world.environment | named)("run", "--now")
        for line in (result.out + result.err).splitlines():
            if not line.startswith('{"event"'):
                print(line, flush=True)
        if result.code:
            return result.code
    return 0


def _show_results(console: Console, world: World, estate: Estate) -> int:
    """Print what is in the lake and in Redshift; returns 0 when gold is what the oracle expects."""
    kinds = Counter(name.split("/")[1] for name in estate.objects())
    tables = [table["Name"] for table in _glue_tables(estate)]
    console.out.print(
        f"\ns3://{BUCKET}: " + ", ".join(f"{count} objects of {kind}" for kind, count in sorted(kinds.items()))
    )
    console.out.print(f"Glue: {len(tables)} Iceberg tables, among them {', '.join(sorted(tables)[:3])}")
    with duckdb.connect() as con:
        published = copy_published(estate, con)
        console.table("Published in Redshift", published, "none")
        wrong = differences(con, world)
    for line in wrong:
        console.problem(line)
    if not wrong:
        console.out.print(
            "[green]Gold in Redshift and the rejected rows are exactly what the world's own oracle expects.[/green]"
        )
    return 1 if wrong else 0


def _glue_tables(estate: Estate) -> list[dict[str, str]]:
    glue = estate.cloud.client("glue")
    databases = [database["Name"] for database in glue.get_databases()["DatabaseList"]]
    return [table for database in databases for table in glue.get_tables(DatabaseName=database)["TableList"]]


def copy_published(estate: Estate, con: duckdb.DuckDBPyConnection) -> list[dict[str, object]]:
    """Copy what Redshift publishes into DuckDB, under the same names; returns a line per schema: tables, rows."""
    listed = """SELECT table_schema, table_name, string_agg(column_name, ',' ORDER BY ordinal_position)
        FROM information_schema.columns WHERE table_schema NOT LIKE 'pg!_%' ESCAPE '!'
        AND table_schema NOT IN ('information_schema', 'public') AND table_schema NOT LIKE 'rs%' GROUP BY 1, 2 ORDER BY 1, 2"""
    lines: dict[str, dict[str, object]] = {}
    for schema, table, names in estate.redshift.query(listed, "serving"):
        rows = estate.redshift.query(f'SELECT * FROM "{schema}"."{table}"', "serving")
        columns = names.split(",")
        con.register(
            "found",
            pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows] or [dict.fromkeys(columns)]),
        )
        con.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        con.execute(f'CREATE TABLE "{schema}"."{table}" AS SELECT * FROM found LIMIT {len(rows)}')
        line = lines.setdefault(schema, {"domain": schema, "tables": 0, "rows": 0})
        lines[schema] = line | {"tables": int(str(line["tables"])) + 1, "rows": int(str(line["rows"])) + len(rows)}
    return list(lines.values())


if __name__ == "__main__":
    sys.exit(main())
