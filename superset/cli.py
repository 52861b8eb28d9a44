"""The commands `runner.py dashboards ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Serve, import and export the dashboards.")

Port = Annotated[int, typer.Option(help="where to listen")]
Host = Annotated[str, typer.Option(help="address to listen on; 0.0.0.0 for every network this machine is in")]
AsImported = Annotated[
    bool,
    typer.Option("--as-imported", help="serve what the last `dashboards import` left, without importing the files"),
]
Overwrite = Annotated[bool, typer.Option("--over-edits", help="import although it undoes edits made in the browser")]

Assets = Annotated[Path, typer.Option(help="folder of the asset files", file_okay=False, resolve_path=True)]
ASSETS = Path(__file__).resolve().parent / "assets"

Demo = Annotated[
    bool, typer.Option("--demo", help="the demo's; without it your own, or the demo's as long as you published nothing")
]


@app.command()
def serve(port: Port = 8088, host: Host = "127.0.0.1", as_imported: AsImported = False, demo: Demo = False) -> None:
    """Show the dashboards in a browser.

    Installs, prepares and starts Superset, and says where it is.
    """
    from superset.choice import chosen
    from superset.door import serve as show

    show(chosen(demo), host, port, as_imported)


@app.command("import")
def import_(over_edits: Overwrite = False, assets: Assets = ASSETS, demo: Demo = False) -> None:
    """Make Superset hold what the files say.

    The assets and superset/security.yml, with the database of the target.
    """
    from superset.choice import chosen
    from superset.door import import_assets

    import_assets(chosen(demo), over_edits, assets)


@app.command()
def export(assets: Assets = ASSETS, demo: Demo = False) -> None:
    """Write what was changed in the browser to files.

    To be looked at as a diff and committed.
    """
    from superset.choice import chosen
    from superset.door import export_assets

    export_assets(chosen(demo), assets)
