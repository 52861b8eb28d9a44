"""Which of the demo's sources differ from what was shipped: ``python -m demo.shipped`` writes down what is shipped now.

The demo's world plays the systems of the shipped sources, and its oracle knows what they must yield. A source that a team
has changed may yield something else, or ask a system that is not the demo's.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from settings import ROOT, SettingsError

from .folder import SOURCES

if TYPE_CHECKING:
    from dlt_sources.door import Source

SHIPPED = Path(__file__).with_name("shipped.json")


def changed(folder: Path) -> list[str]:
    """The demo's sources that differ from the shipped ones.

    Args:
        folder: `dlt_sources`.

    Raises:
        SettingsError: one is missing; names it and the fix.
    """
    missing = [name for name in SOURCES if not (folder / name / "source.yml").exists()]
    if missing:
        paths = " ".join(f"dlt_sources/{name}" for name in missing)
        raise SettingsError(
            f"the demo runs the sources that are shipped with Millrace, and this checkout no longer has {paths}; restore them"
            f" (git checkout RELEASE -- {paths}) or run the demo in a fresh clone"
        )
    shipped = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return [name for name in SOURCES if digest(folder / name) != shipped[name]]


def refuse_other_systems(sources: dict[str, Source], names: Collection[str], world: Collection[str]) -> None:
    """Refuse changed sources that would ask a system that is not the demo's.

    Args:
        names: the sources to look at.
        world: the settings that the world gives addresses to, such as ``ELT_SALES_FILES``.

    Raises:
        SettingsError: one has an address of its own, or code that may ask anybody.
    """
    for name in names:
        if name not in sources:
            raise SettingsError(
                f"dlt_sources/{name} was changed and cannot be loaded: `python runner.py doctor` says why; restore it"
                f" (git checkout RELEASE -- dlt_sources/{name}) or run the demo in a fresh clone"
            )
        declared = sources[name].declared
        connection = declared.connection
        known = [f"${{{setting.removeprefix('ELT_')}}}" for setting in world]
        if (
            declared.connector == "python"
            or getattr(connection, "hosts", [])
            or connection.address.upper() not in known
        ):
            raise SettingsError(
                f"dlt_sources/{name}/source.yml was changed and would read a system of yours, which the demo must not touch;"
                f" restore it (git checkout RELEASE -- dlt_sources/{name}) or run the demo in a fresh clone"
            )


def digest(folder: Path) -> str:
    """What a source is, as one number: its declaration and its code, whatever the line endings."""
    found = hashlib.sha256()
    for path in sorted(path for kind in ("*.yml", "*.py") for path in folder.glob(kind)):
        text = re.sub(r"\r\n?", "\n", path.read_text(encoding="utf-8", errors="replace"))
        found.update(f"{path.name}\0{text}\0".encode())
    return f"sha256-{found.hexdigest()}"  # `sha256:` and bare digests look like secrets to the gate


def main() -> None:
    """Write down what is shipped now."""
    digests = {name: digest(ROOT / "dlt_sources" / name) for name in SOURCES}
    SHIPPED.write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
