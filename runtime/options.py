"""The options of the command line, each with its help."""

from datetime import datetime
from typing import Annotated

import typer


def _read_day(text: str) -> datetime:
    """A day as the command line has it; a default is there already."""
    try:
        return datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day; write it like 2026-01-31") from None


Source = Annotated[str, typer.Argument(help="name of a source, as its folder's")]
Sources = Annotated[list[str] | None, typer.Argument(help="sources; none means all")]
Tables = Annotated[list[str] | None, typer.Argument(help="tables of the source; none means all")]
Preview = Annotated[
    bool, typer.Option("--preview", help="build the edited models beside prod, show what would differ, change nothing")
]
Restate = Annotated[
    list[str] | None,
    typer.Option("--restate", metavar="MODEL", help="rebuild this deployed model, and what depends on it; repeatable"),
]
RunId = Annotated[str | None, typer.Argument(help="a run, as `status` lists it, or `last`; none: the pipeline's state")]
Json = Annotated[bool, typer.Option("--json", help="print the result as JSON")]
Profile = Annotated[bool, typer.Option("--profile", help="say where the time, the bytes and the rows went")]
Wait = Annotated[float, typer.Option(metavar="SECONDS", help="seconds to wait for another run to end")]
Now = Annotated[bool, typer.Option("--now", help="whether due or not")]
Schedule = Annotated[
    str | None, typer.Option(metavar="CRON", help="the sources with this schedule: what a scheduler starts them by")
]
Files = Annotated[
    list[str] | None,
    typer.Option("--file", metavar="URI", help="read this file (path or URI) and no other; repeatable"),
]
Object = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--object",
        metavar="BUCKET KEY",
        help="read this object of S3 and no other: as EventBridge names one that has come",
    ),
]
File = Annotated[str, typer.Argument(help="name of a file that has landed")]
Since = Annotated[datetime, typer.Option(parser=_read_day, metavar="YYYY-MM-DD", help="first day")]
Until = Annotated[
    datetime | None, typer.Option(parser=_read_day, metavar="YYYY-MM-DD", help="last day; none: up to today")
]
LoadedSince = Annotated[
    datetime | None,
    typer.Option("--since", parser=_read_day, metavar="YYYY-MM-DD", help="only loads that landed from this day on"),
]
Days = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="read the span in pieces of so many days, each finished before the next begins"
    ),
]
AtOnce = Annotated[
    int | None,
    typer.Option(min=1, max=64, metavar="K", help="with --days: read up to so many pieces ahead, side by side"),
]
Batch = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="what was read ahead under this name is landed, not read again; with --read-ahead: the name to read it under",
    ),
]
ReadAhead = Annotated[
    bool,
    typer.Option(
        "--read-ahead", help="only read the span, beside any run, for the backfill that names the same batch to land"
    ),
]
ShowPieces = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="print the pieces as the input of the state machine that reads them side by side on AWS"
    ),
]
Rejected = Annotated[bool, typer.Option("--rejected", help="from the oldest load with rejected rows on")]
Rows = Annotated[int, typer.Option(metavar="N", help="how many rows to show")]
Scale = Annotated[
    float,
    typer.Option(
        min=0.02, max=10, metavar="N", help="size of the world; 1 is 5,000 users, 10,000 songs and 100,000 sessions"
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", help="another seed makes another world")]
Keep = Annotated[bool, typer.Option("--keep", help="leave the upstream world running until Ctrl-C")]
Remove = Annotated[bool, typer.Option("--remove", help="remove the data of an earlier demo, and do nothing else")]
Every = Annotated[float, typer.Option(metavar="SECONDS", help="time between looks at the schedule")]
Query = Annotated[str, typer.Argument(help="one statement that only reads, in the dialect of the target's warehouse")]
OfWarehouse = Annotated[
    bool, typer.Option("--warehouse", help="ask staging and gold in the warehouse, not what dashboards read")
]
Csv = Annotated[bool, typer.Option("--csv", help="print all rows as CSV")]
TableName = Annotated[
    str | None, typer.Argument(help="a table, such as stg_shop.orders or taxi.trips; none: the tables there are")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what is due and why; nothing runs")]
New = Annotated[
    list[str],
    typer.Argument(
        metavar="[model|check|chart] NAME",
        help="a new source: its folder in dlt_sources/; `model DOMAIN.NAME`: a model of gold; `check DOMAIN.NAME`,"
        " `chart DOMAIN.NAME`: a contract, or a chart, for a model",
    ),
]
Origin = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="ADDRESS",
        help="an API or page (https://...), a database (postgresql://..., mysql://..., sqlite:///...), files"
        " ('drop/orders_*.csv', 'drop/*.jsonl', s3://...); or"
        " '${SHOP_URL}/orders', where ELT_SHOP_URL holds an address with a login; of a model: a staging table",
    ),
]
OriginTable = Annotated[
    str | None,
    typer.Option(
        "--table", metavar="TABLE", help="of a database: the table, or SCHEMA.TABLE; else its name in staging"
    ),
]
Selector = Annotated[str | None, typer.Option(metavar="CSS", help="the address is a web page: the table in it")]
Headers = Annotated[
    list[str] | None,
    typer.Option(
        "--header", metavar="NAME=VALUE", help="sent with each request; a secret as '${SHOP_KEY}'; repeatable"
    ),
]
Login = Annotated[
    str | None,
    typer.Option(
        "--auth",
        metavar="'TYPE KEY=VALUE ...'",
        help="how to log in, as source.yml's `auth` has it: 'bearer token=${SHOP_TOKEN}', 'http_basic username=me"
        " password=${SHOP_PASSWORD}' or 'oauth2_client_credentials ...'",
    ),
]
Body = Annotated[
    str | None,
    typer.Option("--body", metavar="JSON", help="of an API that takes its question in a body: sent with POST"),
]
ShowFiles = Annotated[bool, typer.Option("--dry-run", help="print the files and write nothing")]
JudgedRows = Annotated[
    int, typer.Option("--rows", min=1, metavar="N", help="how many judged rows to show of each table")
]
