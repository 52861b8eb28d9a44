"""What of the project serves some sources and nothing else: models, and their seeds, macros, audits and unit tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.staging import source_of

from .copied import declared_models
from .loading import FOLDER

if TYPE_CHECKING:
    from settings import Settings

_MACRO = re.compile(r"^@macro\(.*?\)\s*\n(?:async )?def (\w+)", re.MULTILINE)
_AUDIT = re.compile(r"^\s*name\s+(\w+)", re.MULTILINE)
_MARK = "_refine_id"
"""In a macro: it is about what every source's staging has, whichever models use it today."""
_SEED = re.compile(r"\bpath\s+'([^']+)'")


@dataclass
class Parts:
    """The files that go with some sources.

    Attributes:
        models: those that are built from these sources alone, and what only they read; by name, with their files.
        mixed: models that are built from these sources and others: per model these sources.
        kept: names of all other models.
        remove: every file that goes.
        edit: files of which a part goes, with what is left.
    """

    models: dict[str, Path]
    mixed: dict[str, set[str]]
    kept: set[str]
    remove: list[Path] = field(default_factory=list)
    edit: dict[Path, str] = field(default_factory=dict)

    @property
    def domains(self) -> set[str]:
        """The domains of which no model is left."""
        return {name.split(".")[0] for name in self.models} - {name.split(".")[0] for name in self.kept}


def find_parts(sources: Collection[str], settings: Settings) -> Parts:
    """What of the project serves these sources alone; no warehouse is needed.

    Raises:
        ModelError: the models do not load.
    """
    with declared_models(settings) as found:
        reads = {model.name: {_plain(name) for name in model.depends_on} for model in found}
        places = {model.name: Path(model._path) for model in found}
    feeds = {name: set(_feeds(name, reads)) for name in reads}
    gone = _only_of(set(sources), reads, feeds)
    mixed = {n: feeds[n] & set(sources) for n in reads if n not in gone and feeds[n] & set(sources)}
    parts = Parts({name: places[name] for name in sorted(gone)}, mixed, set(reads) - gone)
    parts.remove += sorted(set(parts.models.values()))
    kept = [places[name].read_text(encoding="utf-8") for name in sorted(parts.kept)]
    left = [path.read_text(encoding="utf-8") for path in parts.remove]
    parts.remove += _seeds(parts, places)
    audits = _unused("audits", "*.sql", _AUDIT, left, kept)
    parts.remove += audits
    for path in sorted((FOLDER / "audits").glob("*.sql")):  # audits use macros, too
        (left if path in audits else kept).append(path.read_text(encoding="utf-8"))
    parts.remove += _unused("macros", "*.py", _MACRO, left, kept)
    externals = [FOLDER / "external_models" / f"{name}.yaml" for name in sorted(sources)]
    parts.remove += [path for path in externals if path.exists()]
    _cut_tests(parts)
    return parts


def _plain(name: str) -> str:
    """``schema.table`` of a name as SQLMesh quotes it, with its catalog."""
    return ".".join(part.strip('"') for part in name.split(".")[-2:])


def _feeds(name: str, reads: dict[str, set[str]]) -> Iterator[str]:
    """The sources whose staging a model is built from, however far up."""
    for table in reads[name]:
        if source := source_of(table):
            yield source
        elif table in reads:
            yield from _feeds(table, reads)


def _only_of(sources: set[str], reads: dict[str, set[str]], feeds: dict[str, set[str]]) -> set[str]:
    """Models built from these sources alone; of those that read no source, what serves nothing else."""
    gone = {name for name in reads if feeds[name] and feeds[name] <= sources}
    fed_domains = {name.split(".")[0] for name in reads if feeds[name] and name not in gone}
    for name in (name for name in reads if not feeds[name]):
        readers = {other for other in reads if name in _upstream(other, reads)} - {n for n in reads if not feeds[n]}
        domain = name.split(".")[0]
        mine = {other for other in gone if other.split(".")[0] == domain}
        if readers <= gone and (readers or (mine and domain not in fed_domains)):
            gone.add(name)
    return gone


def _upstream(name: str, reads: dict[str, set[str]]) -> set[str]:
    found = set(reads[name])
    for table in reads[name] & reads.keys():
        found |= _upstream(table, reads)
    return found


def _seeds(parts: Parts, places: dict[str, Path]) -> list[Path]:
    """Seed files that no model reads any more."""

    def of(names: Collection[str]) -> set[Path]:
        return {
            (places[name].parent / path).resolve()
            for name in names
            for path in _SEED.findall(places[name].read_text(encoding="utf-8"))
        }

    return sorted(path for path in of(parts.models) - of(parts.kept) if path.exists())


def _unused(folder: str, glob: str, names: re.Pattern[str], left: list[str], kept: list[str]) -> list[Path]:
    """Files of which everything they define was used by what goes, and nothing of it by what stays."""

    def used(name: str, texts: list[str]) -> bool:
        return any(re.search(rf"(?:@|\b){name}\s*\(", text, re.IGNORECASE) for text in texts)

    found = []
    for path in sorted((FOLDER / folder).glob(glob)):
        text = path.read_text(encoding="utf-8")
        defined = names.findall(text) if _MARK not in text else []
        if any(used(name, left) for name in defined) and not any(used(name, kept) for name in defined):
            found.append(path)
    return found


def _cut_tests(parts: Parts) -> None:
    """Note the unit tests of models that go: whole files, or the part of a file."""
    for path in sorted((FOLDER / "tests").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        left = cut(text, r"^(?=\S)", lambda block: bool(_models_of(block) & parts.models.keys()))
        if not _models_of(left):
            parts.remove.append(path)
        elif left != text:
            parts.edit[path] = left


def _models_of(text: str) -> set[str]:
    return set(re.findall(r"^  model:\s*(\S+)", text, re.MULTILINE))


def cut(text: str, begins: str, goes: Callable[[str], bool]) -> str:
    """A text without those of its blocks that go.

    Args:
        begins: pattern of where a block begins.
    """
    return "".join(block for block in re.split(begins, text, flags=re.MULTILINE) if not goes(block))
