"""Which files of a table count, of those that a look finds and those known before."""

from __future__ import annotations

from typing import Any

from ...declared.file_names import month_of, stem_of
from ...declared.source_error import Lasting
from ...stores.withdrawn import MARK
from ..request import Request


class Counted:
    """Which files of one look count, and which of those known before do not any more.

    Of a month that comes in several formats one file counts, the most exact; the others are ignored, and said.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.memory: dict[str, dict[str, Any]] = request.memory.setdefault("files", {})
        self.before = {name for name, known in self.memory.items() if not known.get(MARK)}
        self.present: set[str] = set()
        self.missing: list[str] = []
        self.taken: dict[str, str] = {}

    def is_ignored(self, name: str, *, exists: bool) -> bool:
        """Whether another file of the same month counts instead; a note says so if the file is known to exist."""
        rivals = self._rivals(name)
        better = self.taken.get(month_of(self.request.table.files, name) or "")
        if better is None and self.request.only:
            better = next((rival for rival in rivals if stem_of(rival)[1] < stem_of(name)[1]), None)
        if better is None or better == name:
            return False
        if exists:
            self.request.notes.append(
                f"{self.request.name}: {name} is ignored: {better} holds the same month, and one file of a month counts"
            )
        self.present.add(name)
        return True

    def count(self, name: str) -> None:
        """The file is there and is known: its rivals' rows go."""
        self.present.add(name)
        if month := month_of(self.request.table.files, name):
            self.taken[month] = name
            for rival in self._rivals(name):
                self._withdraw(rival)
                self.request.notes.append(f"{self.request.name}: {name} takes the place of {rival}")

    def refuse(self, name: str) -> None:
        """The file is there and cannot be read: it counts all the same, as what it was before."""
        self.present.add(name)
        if month := month_of(self.request.table.files, name):
            self.taken[month] = name

    def finish(self, *, whole: bool, listed: bool) -> list[str]:
        """Why files that are gone are not believed; those that are believed to be gone are withdrawn in mode replace."""
        if gone := set(self.memory) & set(self.missing):
            return [
                Lasting(f"{len(gone)} files that were there are not any more, such as {min(gone)}; check the address")
            ]
        table = self.request.table
        if table.mode != "replace" or not whole or not listed:
            return []
        lost = self.before & set(self.memory) - self.present
        if lost and len(self.present) < table.shrink_floor * len(self.before):
            return [
                f"{len(self.present)} files where {len(self.before)} were, without {min(lost)}; if that is right, lower `shrink_floor` in source.yml"
            ]
        for name in sorted(lost):
            self._withdraw(name)
        return []

    def _rivals(self, name: str) -> list[str]:
        month = month_of(self.request.table.files, name)
        return [
            known
            for known in self.memory
            if month and known != name and month_of(self.request.table.files, known) == month
        ]

    def _withdraw(self, name: str) -> None:
        del self.memory[name]  # should it come again, it is new
        self.request.withdrawn.append(name)
