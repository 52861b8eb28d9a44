"""Turn a Redshift, a Postgres and empty secrets, as Terraform leaves them, into what the pipeline and the dashboards need.

    python -m runtime.bootstrap [--rotate NAME]

It runs once after the first `terraform apply` and after each deployment, where the databases can be reached. What is
there is kept, so running it again is safe, also after one that was killed. It prints a line per thing and no secret.
"""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from foundation.exits import say_and_exit

from .bootstrap_secrets import FIXED, NAMES, OF_A_USER, ensure_secrets

Rotate = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help=f"make a new password: {', '.join(OF_A_USER)}. May be repeated."),
]


def run(rotate: Rotate = None) -> None:
    """Make what is missing of secrets, users, databases and rights; say each thing."""
    import settings as configuration

    from .bootstrap_stores import Postgres, ensure_postgres, ensure_redshift, hold_lock

    asked = _known(rotate or [])
    settings = configuration.load_bootstrap()
    with closing(Postgres(settings, "postgres")) as admin, hold_lock(admin):
        passwords = ensure_secrets(settings, asked, _say)
        ensure_postgres(settings, admin, passwords, _say)
        ensure_redshift(settings, passwords, _say)
    for name in sorted(asked):
        typer.echo(f"The password of {name} is new: start again what uses it.")


def _known(names: list[str]) -> set[str]:
    from settings import SettingsError

    for name in names:
        if name in FIXED:
            raise SettingsError(f"--rotate {name}: {FIXED[name]}")
        if name not in NAMES:
            raise SettingsError(f"--rotate {name}: no such secret; there are: {', '.join(OF_A_USER)}")
    return set(names)


def _say(outcome: str, what: str) -> None:
    print(f"{outcome:<8}{what}", flush=True)  # at once: a task that hangs shows where


def main() -> None:
    """The command line; known errors end in one clear line and their exit code."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(run)
    try:
        app()
    except Exception as error:
        say_and_exit(error)


if __name__ == "__main__":
    main()
