"""Files in ``soda_checks/staging`` that are not as they should be: versions until November 2026 also wrote into them what
follows from the contract, and a table may have gone whose checks are still there.
"""

from __future__ import annotations

from foundation.environment import ROOT

from .declaration import Source

_WRITTEN = "# Derived from "
_NO_OWN = "checks:\n  - row_count:\n"


def tidy(source: Source, *, check: bool) -> int:
    """Leave of the source's files what a team wrote, or with `check` only name those that hold more; returns how many differ."""
    differing = 0
    for path in sorted((ROOT / "soda_checks" / "staging" / source.name).glob("*.yml")):
        text = path.read_text(encoding="utf-8", errors="replace")
        own = text[text.find("\nchecks:") + 1 :] if text.startswith(_WRITTEN) else text
        if text != own == _NO_OWN:
            did, why = "removed", "a table has these checks without a file"
        elif path.stem not in source.tables:
            did, why = (
                "differs",
                f"{source.name} declares no such table; move its checks to the table's new file or delete it",
            )
        elif text != own:
            did, why = "wrote", "what follows from the contract is not kept in it any more"
        else:
            continue
        differing += 1
        print(f"{'differs' if check else did}: {path.relative_to(ROOT)}: {why}")
        if did == "removed" and not check:
            path.unlink()
        elif did == "wrote" and not check:
            path.write_text(own, encoding="utf-8")
    return differing
