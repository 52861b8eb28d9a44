"""Files that a command makes: written, or shown; what is left to decide, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from foundation.console import Console
from foundation.environment import ROOT


def tell_files(
    console: Console, what: Mapping[str, str], files: Mapping[str, str], doubts: Sequence[str], then: str, dry_run: bool
) -> None:
    """Write files that do not exist yet, unless it is a dry run, and say so.

    Args:
        what: what they make, for the answer as JSON. files: text by path from the checkout.
        then: the next step once they are written.
    """
    following = "the same without --dry-run" if dry_run else then
    for path, text in files.items():
        if not dry_run:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            with (ROOT / path).open("x", encoding="utf-8") as file:
                file.write(text)
        if not console.as_json:
            console.out.print(f"[bold]{path}[/bold]" if dry_run else f"wrote: {path}")
            if dry_run:
                console.out.print(text, markup=False)
    if console.as_json:
        console.json({**what, "files": dict(files), "written": not dry_run, "unsure": list(doubts), "next": following})
        return
    if doubts:
        console.out.print("Not sure of, and left to you:")
        for doubt in doubts:
            console.out.print(f"  - {doubt}", markup=False)
    console.out.print(f"Next: {following}", markup=False)
