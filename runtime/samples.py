"""`runner.py samples remove`: take the sample systems out, and leave an empty project that works.

What goes is found by what reads what: a sample's staging, the models that are built from it alone, what serves only those.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from errors import ExitCode, MillraceError

if TYPE_CHECKING:
    from settings import Settings

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Remove the sample systems that come with Millrace."
)

_Yes = Annotated[
    bool, typer.Option("--yes", help="do not ask; remove also what your team or you changed and did not commit")
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would go; nothing is changed")]
KEPT_FOLDERS = ("soda_checks/gold", "soda_checks/staging", "sqlmesh_project/audits", "sqlmesh_project/seeds")
"""Folders that other files name, kept where they become empty: git keeps none by itself."""


class SamplesError(MillraceError):
    """The samples cannot be removed as things are; nothing was changed."""

    exit_code = ExitCode.CONFIGURATION


@dataclass
class Removal:
    """What goes with the samples.

    Attributes:
        sources: the samples that are there.
        remove: files and folders.
        edit: files of which a part goes, with what is left.
    """

    sources: list[str]
    remove: list[Path] = field(default_factory=list)
    edit: dict[Path, str] = field(default_factory=dict)


@app.command()
def remove(yes: _Yes = False, dry_run: _DryRun = False) -> None:
    """Take the sample systems out: sources, models, checks, dashboards.

    What is built on no source stays: the pipeline's own record and its dashboard. Data that samples brought stays where it
    is. Everything comes back with git.
    """
    import settings as configuration

    settings = configuration.load()
    found = find(settings)
    if not found.sources:
        typer.echo("There are no samples here: they were removed before.")
        return
    _show(found)
    reasons = list(_doubts(found))
    if dry_run:
        typer.echo("\nNothing was changed." + "".join(f"\nIt would be refused without --yes: {why}" for why in reasons))
        return
    if reasons and not yes:
        raise SamplesError(
            "; ".join(reasons) + ". Commit or restore what you mean to keep, or say --yes to remove it too"
        )
    if not yes:
        typer.confirm("\nRemove all of this?", abort=True)
    apply(found)
    typer.echo(_NEXT)


_NEXT = """
The samples are removed. What to do next:
  make derive                    brings the reference pages up to date
  python runner.py plan          where samples had run: takes their models out of prod
  git add --all && git commit    keeps it; git checkout brings it back
  docs/how-to.md                 how to add a source of your own
The data folder still holds what samples brought: remove it, or set ELT_DATA_DIR to a new one, to start empty."""


def find(settings: Settings) -> Removal:
    """What goes with the samples that are there.

    Raises:
        SamplesError: models or dashboards are built on samples and on other sources; names them.
        ModelError: the models do not load.
    """
    from demo.folder import SOURCES
    from settings import ROOT
    from sqlmesh_project.parts import find_parts
    from superset.parts import find_shown

    sources = [name for name in SOURCES if (ROOT / "dlt_sources" / name / "source.yml").exists()]
    found = Removal(sources)
    if not sources:
        return found
    parts = find_parts(sources, settings)
    shown = find_shown(parts.models, parts.domains)
    if parts.mixed or shown.mixed:
        mixed = [f"{model} (reads {', '.join(sorted(names))})" for model, names in sorted(parts.mixed.items())]
        mixed += [str(path.relative_to(ROOT)) for path in shown.mixed]
        raise SamplesError(
            f"these are built on samples and on more than samples: {'; '.join(mixed)}. Take the samples out of them, then try again"
        )
    found.remove += [ROOT / "dlt_sources" / name for name in sources]
    found.remove += parts.remove
    checks = ROOT / "soda_checks"
    places = [checks / "staging" / name for name in sources]
    places += [checks / "gold" / f"{model.replace('.', '/')}.yml" for model in parts.models]
    pages = ROOT / "docs" / "reference"
    places += [pages / f"{name}.md" for name in sources] + [pages / "gold" / f"{name}.md" for name in parts.domains]
    found.remove += [*(place for place in places if place.exists()), *shown.remove]
    found.edit |= parts.edit | shown.edit
    _forget_settings(found)
    return found


def _forget_settings(found: Removal) -> None:
    """Take the settings that only samples name out of the files that list settings; a person's `.env` keeps them as comments."""
    from settings import PREFIX, ROOT

    def named(paths: list[Path]) -> set[str]:
        return {
            f"{PREFIX}{name.upper()}" for path in paths for name in re.findall(r"\$\{(\w+)\}", path.read_text("utf-8"))
        }

    declared = sorted((ROOT / "dlt_sources").glob("*/source.yml"))
    samples = [path for path in declared if path.parent.name in found.sources]
    gone = "|".join(sorted(named(samples) - named([path for path in declared if path not in samples])))
    for name, pattern, left in (
        (".env.example", rf"^(# )?({gone})=.*\n", ""),
        ("compose.yaml", rf"^ +({gone}): .*\n", ""),
        (".env", rf"^(?=\s*(export\s+)?({gone})\s*=)", "# "),
    ):
        path = ROOT / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if gone and (shorter := re.sub(pattern, left, text, flags=re.MULTILINE)) != text:
            found.edit[path] = shorter


def _doubts(found: Removal) -> Iterator[str]:
    """Why a person should look before the files go."""
    import json

    from demo.shipped import SHIPPED, digest
    from settings import ROOT

    shipped = json.loads(SHIPPED.read_text(encoding="utf-8"))
    changed = [name for name in found.sources if digest(ROOT / "dlt_sources" / name) != shipped.get(name)]
    if changed:
        yield f"your team changed {', '.join(f'dlt_sources/{name}' for name in changed)} since shipped"
    paths = [str(path.relative_to(ROOT)) for path in [*found.remove, *found.edit] if path.name != ".env"]
    done = subprocess.run(
        ["git", "status", "--porcelain", "--", *paths], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        yield "this folder is not a git checkout, so that nothing could be brought back"
    elif lines := done.stdout.splitlines():
        more = f" and {len(lines) - 5} more" if len(lines) > 5 else ""
        yield f"git has changes that are not committed in {', '.join(line[3:] for line in lines[:5])}{more}"


def _show(found: Removal) -> None:
    """Print what goes: a line per folder, with how many files."""
    from settings import ROOT

    groups: dict[str, list[str]] = {}
    for path in found.remove:
        inside = [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
        for file in inside if path.is_dir() else [path]:
            groups.setdefault(str(file.relative_to(ROOT).parent), []).append(file.name)
    typer.echo(f"Samples: {', '.join(found.sources)}. With them go:")
    for folder, names in sorted(groups.items()):
        listed = ", ".join(sorted(names)[:4]) + (", ..." if len(names) > 4 else "")
        typer.echo(f"  {folder}/  {len(names)} file{'s' * (len(names) > 1)}: {listed}")
    for path in sorted(found.edit):
        typer.echo(f"  {path.relative_to(ROOT)}  what names them")


def apply(found: Removal) -> None:
    """Remove the files, and the folders that become empty; write what is left of the others."""
    from settings import ROOT

    for path in found.remove:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for path, text in found.edit.items():
        path.write_text(text, encoding="utf-8")
    for folder in sorted({path.parent for path in found.remove}):
        if folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
    for name in KEPT_FOLDERS:
        folder = ROOT / name
        folder.mkdir(exist_ok=True)
        if not any(folder.iterdir()):
            (folder / ".gitkeep").touch()
