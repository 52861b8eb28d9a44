"""The command line of ``runner.py``: its commands in the order in which help names them."""

from __future__ import annotations

from typing import Annotated

import typer

from superset.cli import app as dashboards

from . import commands_looking as looking
from . import commands_moving as moving
from .options import (
    Body,
    Headers,
    Json,
    JudgedRows,
    Keep,
    Login,
    New,
    Origin,
    OriginTable,
    Remove,
    Scale,
    Seed,
    Selector,
    ShowFiles,
    Source,
    Wait,
)
from .samples import app as samples
from .sources import declared

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


def new(
    what: New,
    given: Origin = "",
    table: OriginTable = None,
    selector: Selector = None,
    header: Headers = None,
    auth: Login = None,
    body: Body = None,
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

        create(what[0], given, table, selector, header or [], auth, body, dry_run, as_json)
    else:
        raise typer.BadParameter(
            f"{' '.join(what)}: say `new NAME`, or `new model`, `check` or `chart` and DOMAIN.NAME", param_hint="NAME"
        )


def test(source: Source, rows: JudgedRows = 10, as_json: Json = False) -> None:
    """Connect to a source, read one page, judge it; nothing lands."""
    from .new import try_out

    raise SystemExit(try_out(declared([source]), source, rows, as_json))


def maintain(wait: Wait = 0, as_json: Json = False) -> None:
    """Compact silver and remove what is no longer needed.

    Runs do the same bit by bit; this does it all at once.
    """
    from .maintain import maintain as maintain_all

    raise SystemExit(maintain_all(declared(), wait, as_json))


def demo(context: typer.Context, scale: Scale = 1, seed: Seed = 7, keep: Keep = False, remove: Remove = False) -> None:
    """Run the pipeline over a small demo world and show the result.

    Starts the upstream systems on this machine and lets several of their days pass.
    """
    from demo.show import clear, show

    raise SystemExit(clear() if remove else show(context.obj, scale, seed, keep))


for command in (
    moving.run,
    new,
    test,
    moving.serve,
    moving.plan,
    moving.backfill,
    moving.withdraw,
    moving.replay,
    moving.rebuild,
    maintain,
    looking.status,
    looking.rejected,
    looking.drift,
    looking.preview,
    looking.sql,
    looking.check,
    looking.doctor,
    demo,
):
    app.command()(command)
