"""The contracts of a scope: of a gold domain each file is one; of a source's staging each table has one, made of what follows
from its row contract and of the team's own ``checks:``, where there is a file with them.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .spelling import find_mistakes

WITHOUT_OWN = "checks:\n  - row_count:\n"
"""The checks of a table of staging for which a team has written none."""
_OWN = re.compile(r"^checks:", re.MULTILINE)


class ContractError(ValueError):
    """A file holds no checks."""


@dataclass(frozen=True)
class Contract:
    """A contract as Soda reads it.

    Attributes:
        path: the file that a person edits; of a table of staging it need not exist.
        base: what comes before the file's ``checks:``; None: the file is the whole contract.
    """

    path: Path
    base: str | None = None

    @property
    def table(self) -> str:
        """The table that it is about."""
        return self.path.stem

    @property
    def shown(self) -> str:
        """The file for people, such as ``staging/shop/orders.yml``."""
        return "/".join(self.path.parts[-3:])

    @property
    def text(self) -> str:
        """The whole contract.

        Raises:
            ContractError, UnicodeDecodeError: the file has no ``checks:``, or is not text.
        """
        there = self.path.exists() or self.base is None
        own = self.path.read_text(encoding="utf-8") if there else WITHOUT_OWN
        if self.base is None:
            return own
        begins = _OWN.search(own)
        if begins is None:
            raise ContractError("it holds a table's own checks, and has no line that begins with `checks:`")
        return self.base + own[begins.start() :]

    @property
    def columns(self) -> list[str]:
        """The columns that it names; none where it cannot be read, which Soda will say."""
        try:
            return [str(column["name"]) for column in yaml.safe_load(self.text).get("columns") or []]
        except (yaml.YAMLError, ValueError, AttributeError, LookupError, TypeError):
            return []

    def mistakes(self) -> Iterator[str]:
        """What a person wrote and Soda would pass over, each with its place; what Soda refuses is left to it."""
        with contextlib.suppress(yaml.YAMLError, ValueError):
            if self.path.exists():
                yield from find_mistakes(yaml.safe_load(self.text.removeprefix(self.base or "")))

    def source(self) -> Any:
        """The contract for Soda.

        Raises:
            ContractError, UnicodeDecodeError: see `text`.
        """
        from soda_core.common.yaml import ContractYamlSource

        if self.base is None:
            return ContractYamlSource.from_file_path(str(self.path))
        return ContractYamlSource.from_str(self.text, file_path=str(self.path))

    def locate(self, reason: str) -> str:
        """A reason of Soda's with its lines as the file counts them."""
        if self.base is None or not self.path.exists():
            return reason
        begins = _OWN.search(self.path.read_text(encoding="utf-8", errors="replace"))
        above = self.base.count("\n") - (begins.string[: begins.start()].count("\n") if begins else 0)
        place = rf"{re.escape(str(self.path))}\[(\d+)"
        return re.sub(place, lambda found: f"{self.path}[{max(int(found[1]) - above, 1)}", reason)


def contracts_in(folder: Path, bases: Mapping[str, str]) -> list[Contract]:
    """The contracts of a scope, by table.

    Args:
        folder: its files.
        bases: of a source's tables what follows from their row contracts.
    """
    paths = {folder / f"{name}.yml" for name in bases} | set(folder.glob("*.yml"))
    return [Contract(path, bases.get(path.stem)) for path in sorted(paths)]
