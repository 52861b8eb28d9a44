"""The commands that move rows: each reads its options and starts the flow.

``context.obj`` is the flow (``app(obj=run_flow)``): runner.py knows its commands, and not the other way round.
"""

from __future__ import annotations

import typer

from .options import (
    AtOnce,
    Batch,
    Days,
    DryRun,
    Every,
    File,
    Files,
    Json,
    LoadedSince,
    Now,
    Object,
    Preview,
    Profile,
    ReadAhead,
    Rejected,
    Restate,
    Schedule,
    ShowPieces,
    Since,
    Source,
    Sources,
    Tables,
    Until,
    Wait,
)
from .sources import declared, readable
from .work import Work


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


def serve(context: typer.Context, sources: Sources = None, every: Every = 60) -> None:
    """Stay and run whatever falls due.

    Of the named sources, or of all; without a process start each time.
    """
    from .resident import serve as stay

    readable(sources)
    stay(lambda: context.obj("serve", None, among=sources), every)


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


def backfill(
    context: typer.Context,
    source: Source,
    since: Since,
    until: Until = None,
    days: Days = None,
    at_once: AtOnce = None,
    batch: Batch = None,
    read_ahead: ReadAhead = False,
    dry_run: ShowPieces = False,
    wait: Wait = 0,
    as_json: Json = False,
) -> None:
    """Read a span of days of a source again.

    The cursor stays where it is.
    """
    known = readable([source])
    if until and until < since:
        raise typer.BadParameter(f"--until {until:%Y-%m-%d} is before --since {since:%Y-%m-%d}")
    from .backfill import command, refuse_options, run_pieces

    refuse_options(until, days, at_once, batch, read_ahead=read_ahead, dry_run=dry_run, as_json=as_json)
    if read_ahead:
        from .read_ahead import read_piece

        raise SystemExit(read_piece(known, source, batch or "", since, until or since))
    if days is None:
        work = Work(since=since, until=until, resume=command(source, since, until))
        raise SystemExit(context.obj("backfill", [source], work, wait=wait, as_json=as_json))
    import settings as configuration

    last = until or configuration.load().clock().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if dry_run:
        from .read_ahead import show_pieces

        show_pieces(source, since, last, days)
        return

    def work_on(piece: Work) -> int:
        return int(context.obj("backfill", [source], piece, wait=wait))

    raise SystemExit(run_pieces(source, since, last, days, work_on, batch or "", at_once or 0))


def withdraw(context: typer.Context, source: Source, file: File, wait: Wait = 0, as_json: Json = False) -> None:
    """Take a landed file's rows out of staging, silver and gold.

    The file counts again when it comes with other content.
    """
    declared([source])
    raise SystemExit(context.obj("withdraw", [source], Work(withdraw=file), wait=wait, as_json=as_json))


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
    from dlt_sources.door import find_first_load

    known = declared([source])[source]
    raise SystemExit(
        context.obj(
            "replay",
            [source],
            lambda here: Work(replay=find_first_load(known, rejected, since, here)),
            wait=wait,
            as_json=as_json,
        )
    )


def rebuild(
    context: typer.Context, source: Source, tables: Tables = None, wait: Wait = 0, as_json: Json = False
) -> None:
    """Rebuild silver and staging of a source from landing.

    By today's contract; models, checks and dashboards follow.
    """
    declared([source])
    raise SystemExit(context.obj("rebuild", [source], Work(rebuild=tuple(tables or ())), wait=wait, as_json=as_json))
