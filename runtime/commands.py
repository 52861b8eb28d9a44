"""The commands of ``runner.py``: each reads its options and does one thing, through the flow or a report.

``context.obj`` is the flow (``app(obj=run_flow)``): runner.py knows its commands, and not the other way round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from superset.cli import app as dashboards

from .options import (
    Csv,
    Days,
    DryRun,
    Every,
    File,
    Files,
    Headers,
    Json,
    JudgedRows,
    Keep,
    LoadedSince,
    New,
    Now,
    Object,
    OfWarehouse,
    Origin,
    OriginTable,
    Preview,
    Profile,
    Query,
    Rejected,
    Remove,
    Restate,
    Rows,
    RunId,
    Scale,
    Schedule,
    Seed,
    Selector,
    ShowFiles,
    Since,
    Source,
    Sources,
    TableName,
    Tables,
    Until,
    Wait,
)
from .samples import app as samples
from .work import Work

if TYPE_CHECKING:
    from dlt_sources.door import Declared

app = typer.Typer(
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Millrace: land, refine, check, model, check, publish.

    Without a command it runs what is due, as `run` does: safe to call from cron.
    """,
)
app.add_typer(dashboards, name="dashboards")
app.add_typer(samples, name="samples")


def declared(names: list[str] | None = None) -> Declared:
    """Every declared source, after making sure that `names` are among them, broken or not."""
    from dlt_sources.door import load_sources

    return load_sources().require(names or [])


def readable(names: list[str] | None) -> Declared:
    """The same, for a command that reads the sources: none of `names` may be switched off."""
    from dlt_sources.door import load_sources

    return load_sources().require_on(names or [])


def _say_version(wanted: bool) -> None:
    if wanted:
        from foundation.version import version

        typer.echo(f"Millrace {version()}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def default(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Run what is due when no command is given."""
    if context.invoked_subcommand is None:
        raise SystemExit(context.obj("run", None))


@app.command()
def run(
    context: typer.Context,
    sources: Sources = None,
    now: Now = False,
    schedule: Schedule = None,
    file: Files = None,
    dropped: Object = None,
    dry_run: DryRun = False,
    wait: Wait = 0,
    profile: Profile = False,
    as_json: Json = False,
) -> None:
    """Run what is due, or the named sources now.

    Each goes through the whole flow. With --file or --object only that file of the source is read.
    """
    if dry_run:
        import settings as configuration

        from .schedule import show_due

        known = declared(sources)
        show_due(known, sources or known.names, configuration.load(), as_json)
        return
    names = None
    if sources or now or schedule:  # what is due is found by the flow, which loads the sources under its lock
        known = readable(sources)
        names = sources or known.on
    if schedule:
        from .schedule import of_schedule

        if sources or now:
            raise typer.BadParameter("--schedule names the sources: leave out names and --now")
        names = of_schedule(known, schedule)
    files = (*(file or ()), *(["s3://{}/{}".format(*dropped)] if dropped else ()))
    if files and len(sources or []) != 1:
        raise typer.BadParameter("--file belongs to one source: run SOURCE --file URI")
    raise SystemExit(context.obj("run", names, Work(files=files), wait=wait, as_json=as_json, profile=profile))


@app.command()
def new(
    what: New,
    given: Origin = "",
    table: OriginTable = None,
    selector: Selector = None,
    header: Headers = None,
    dry_run: ShowFiles = False,
    as_json: Json = False,
) -> None:
    """Make a source of a sample; or a model, a check or a chart.

    A source: source.yml, contract.py, README.md. Reads a bounded sample, judges it by the contract it infers, and says what
    it was not sure of. A model (`new model shop.orders --from stg_shop.orders`): SELECT, descriptions, audits, unit test.
    A check (`new check shop.orders`): what an audit cannot say. A chart (`new chart shop.orders`): dataset, chart, dashboard.
    """
    kind = what[0] if len(what) == 2 else ""
    if kind in ("check", "chart"):
        if given:
            raise typer.BadParameter(f"`new {kind}` reads the model that it is for; leave it out", param_hint="--from")
    elif not given:
        raise typer.BadParameter("missing: say where the rows are", param_hint="--from")
    if kind == "model":
        from .new_model import create_model

        create_model(what[1], given, dry_run, as_json)
    elif kind == "check":
        from .new_check import create_check

        create_check(what[1], dry_run, as_json)
    elif kind == "chart":
        from .new_chart import create_chart

        create_chart(what[1], dry_run, as_json)
    elif len(what) == 1:
        from .new import create

        create(what[0], given, table, selector, header or [], dry_run, as_json)
    else:
        raise typer.BadParameter(
            f"{' '.join(what)}: say `new NAME`, or `new model`, `check` or `chart` and DOMAIN.NAME", param_hint="NAME"
        )


@app.command()
def test(source: Source, rows: JudgedRows = 10, as_json: Json = False) -> None:
    """Connect to a source, read one page, judge it; nothing lands."""
    from .new import try_out

    raise SystemExit(try_out(declared([source]), source, rows, as_json))


@app.command()
def serve(context: typer.Context, sources: Sources = None, every: Every = 60) -> None:
    """Stay and run whatever falls due.

    Of the named sources, or of all; without a process start each time.
    """
    from .resident import serve as stay

    readable(sources)
    stay(lambda: context.obj("serve", None, among=sources), every)


@app.command()
def plan(
    context: typer.Context, preview: Preview = False, restate: Restate = None, wait: Wait = 0, as_json: Json = False
) -> None:
    """Deploy edited models, check and publish the results.

    Look first with `--preview`, which changes nothing.
    """
    if preview:
        from sqlmesh_project.report import preview as look

        typer.echo(look(wait))
        return
    raise SystemExit(context.obj("plan", [], Work(restate=tuple(restate or ())), wait=wait, as_json=as_json))


@app.command()
def backfill(
    context: typer.Context,
    source: Source,
    since: Since,
    until: Until = None,
    days: Days = None,
    wait: Wait = 0,
    as_json: Json = False,
) -> None:
    """Read a span of days of a source again.

    The cursor stays where it is.
    """
    readable([source])
    if until and until < since:
        raise typer.BadParameter(f"--until {until:%Y-%m-%d} is before --since {since:%Y-%m-%d}")
    if days is None:
        raise SystemExit(context.obj("backfill", [source], Work(since=since, until=until), wait=wait, as_json=as_json))
    if as_json:
        raise typer.BadParameter("--json prints the result of one run; leave out --days")
    import settings as configuration

    from .backfill import run_pieces

    last = until or configuration.load().clock().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    raise SystemExit(
        run_pieces(source, since, last, days, lambda work: context.obj("backfill", [source], work, wait=wait))
    )


@app.command()
def withdraw(context: typer.Context, source: Source, file: File, wait: Wait = 0, as_json: Json = False) -> None:
    """Take a landed file's rows out of staging, silver and gold.

    The file counts again when it comes with other content.
    """
    declared([source])
    raise SystemExit(context.obj("withdraw", [source], Work(withdraw=file), wait=wait, as_json=as_json))


@app.command()
def replay(
    context: typer.Context,
    source: Source,
    rejected: Rejected = False,
    since: LoadedSince = None,
    wait: Wait = 0,
    as_json: Json = False,
) -> None:
    """Judge landed loads again by today's contract.

    All of them, those since a day, or those from the first rejected row on.
    """
    from .replay import first_load

    known = declared([source])[source]
    raise SystemExit(
        context.obj(
            "replay",
            [source],
            lambda here: Work(replay=first_load(known, rejected, since, here)),
            wait=wait,
            as_json=as_json,
        )
    )


@app.command()
def rebuild(
    context: typer.Context, source: Source, tables: Tables = None, wait: Wait = 0, as_json: Json = False
) -> None:
    """Rebuild silver and staging of a source from landing.

    By today's contract; models, checks and dashboards follow.
    """
    declared([source])
    raise SystemExit(context.obj("rebuild", [source], Work(rebuild=tuple(tables or ())), wait=wait, as_json=as_json))


@app.command()
def maintain(wait: Wait = 0, as_json: Json = False) -> None:
    """Compact silver and remove what is no longer needed.

    Runs do the same bit by bit; this does it all at once.
    """
    from .maintain import maintain as maintain_all

    raise SystemExit(maintain_all(declared(), wait, as_json))


@app.command()
def status(run: RunId = None, as_json: Json = False) -> None:
    """Show the last runs, each source's state and what waits.

    Also why runs failed and how much disk is used; of one run every step.
    """
    from .reports import status as show
    from .run_report import show_run

    if run:
        show_run(run, as_json)
    else:
        show(declared(), as_json)


@app.command()
def rejected(sources: Sources = None, rows: Rows = 20, as_json: Json = False) -> None:
    """Show the rows that broke their contract, with field and rule."""
    from .reports import rejected as show

    show(declared(sources), sources or [], rows, as_json)


@app.command()
def drift(sources: Sources = None, as_json: Json = False) -> None:
    """Show how sources depart from their contracts.

    With the lines to add to contract.py.
    """
    from .drift import show

    show(declared(sources), sources or [], as_json)


@app.command()
def preview(table: TableName = None, rows: Rows = 10, as_json: Json = False) -> None:
    """Show the first rows of a table of staging or gold.

    Of staging as it is in the warehouse, of gold as it is published; without a table the names there are.
    """
    import settings as configuration

    from .query import preview as show

    show(table, configuration.load(), most=rows, as_json=as_json)


@app.command()
def sql(
    query: Query, warehouse: OfWarehouse = False, rows: Rows = 50, as_json: Json = False, as_csv: Csv = False
) -> None:
    """Ask what was published, in SQL; nothing can be changed."""
    import settings as configuration

    from .query import show_query

    show_query(query, configuration.load(), of_warehouse=warehouse, most=rows, as_json=as_json, as_csv=as_csv)


@app.command()
def check(sources: Sources = None, as_json: Json = False) -> None:
    """Run the checks of staging and gold; no row is moved."""
    from .reports import check as show

    raise SystemExit(show(declared(sources), sources or [], as_json))


@app.command()
def doctor() -> None:
    """Check what a run needs before it starts.

    Settings, folders, sources, and who holds the warehouse.
    """
    from .doctor import examine

    raise SystemExit(examine())


@app.command()
def demo(context: typer.Context, scale: Scale = 1, seed: Seed = 7, keep: Keep = False, remove: Remove = False) -> None:
    """Run the pipeline over a small demo world and show the result.

    Starts the upstream systems on this machine and lets several of their days pass.
    """
    from demo.show import clear, show

    raise SystemExit(clear() if remove else show(context.obj, scale, seed, keep))
