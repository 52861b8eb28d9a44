"""Refine: landed loads, oldest first, through their contracts into silver, staging and rejected rows.

The staging schema's state holds the last refined load and commits with the rows. Everything before that commit can be
done again without effect: judging is a function of the landed files, silver replaces a load's rows by the same rows,
and staging merges by key.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType

from foundation.parts import part
from settings import Settings
from warehouse.held import Seen

from ..contracts.columns import columns_of
from ..declared.declaration import Source
from ..declared.redact import has_private, of_tables
from ..judge import drift
from ..judge.judge import Judge
from ..silver.silver import Silver, held_loads
from ..staging import external
from ..staging.stage import Staging, silver_lacks
from ..staging.stagings import Known
from ..staging.tables import SILVER
from ..stores import withdrawn
from ..stores.judged import Judged
from ..stores.lake import LandedFile, Landing
from ..stores.landed import Landed
from ..stores.memory import with_memory
from ..stores.pipelines import quiet_about
from ..stores.salt import read_salt
from ..stores.shape import waiting
from .keep_small import keep_small
from .swap import finish_swap

BATCH = 256 * 2**20  # landed bytes refined in one go: bounds the scratch disk, not the memory

Files = Mapping[str, list[LandedFile]]


@dataclass
class Refined:
    """What one refine did: the landed loads it took, and their rows per table; elements of a list count as rows.

    Attributes:
        notes: what a person should know.
    """

    loads: list[str] = field(default_factory=list)
    landed: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    seen: dict[str, Seen] = field(default_factory=dict)


def refine(
    source: Source,
    settings: Settings,
    *,
    since: str | None = None,
    progress: Callable[[str], None] = lambda text: None,
    known: Known | None = None,
) -> Refined:
    """Refine every committed load that is not in staging yet, or all from the load `since` on again (a replay).

    Args:
        known: the state of its staging, where somebody has read it already and nothing was written since.

    Raises:
        StoreError: silver or the warehouse could not be written.
    """
    with quiet_about(source.name, has_private(source.contracts.values())):
        return _refine_all(source, settings, since, progress, known)


def _refine_all(
    source: Source, settings: Settings, since: str | None, progress: Callable[[str], None], known: Known | None
) -> Refined:
    if known is None or known.swapping:
        finish_swap(source, settings)
        known = None
    staging = Staging(source, settings, known.state) if known else Staging.open(source, settings)
    done = Refined(notes=_follow_contracts(staging))
    landing = Landing(source.name, settings)
    loads, kept = pending(landing, staging) if since is None else (landing.loads(since=since), "")
    if since is not None and loads == landing.loads():
        Silver(source.name, settings).forget_moved()
    refined = staging.loads() if since is not None else set()
    if loads and not kept:  # the warehouse may be a new one: what silver has was refined, and may have expired since
        silver = Silver(source.name, settings)
        refined = refined.union(*(held_loads(silver, name) for name in source.tables))
    send(staging, loads, done, progress, kept=kept, replay=since is not None, refined=refined)
    if done.loads:
        done.notes += keep_small(source, settings)
    return done


def follow_contract(source: Source, settings: Settings) -> list[str]:
    """Let what a source has staged follow its contract before anything is built on it; returns notes for a person.

    What cannot follow by itself is left as it is: the source's next run says so.
    """
    staging = Staging.open(source, settings)
    return [] if waiting(source.name, staging.changes()) else _follow_contracts(staging)


def _follow_contracts(staging: Staging) -> list[str]:
    """Let silver and staging follow changed contracts as far as they can by themselves; returns notes for a person.

    Raises:
        ContractChangedError: they cannot; nothing was changed.
    """
    changed = staging.changes()
    if not waiting(staging.source.name, changed):
        for name, changes in changed.items():
            Silver(staging.source.name, staging.settings).rename_columns(name, changes.renamed)
    return staging.adapt() + external.place_views(staging)


def send(
    staging: Staging,
    loads: list[str],
    done: Refined,
    progress: Callable[[str], None],
    *,
    kept: str = "",
    replay: bool = False,
    refined: Collection[str] = (),
    gone: Mapping[str, set[str]] = MappingProxyType({}),
) -> None:
    """Send landed loads through the contracts into a staging and its silver, batch by batch.

    Args:
        loads: oldest first.
        done: is added to.
        kept: the newest load that is in staging already.
        replay: loads may be left out before the first.
        refined: loads whose rows are in silver, so that they may have expired in landing.
        gone: per table loads whose rows do not come from landing.

    Raises:
        LandedFileError: a file of one of the loads is missing or damaged; batches before it are in staging.
    """
    source, settings = staging.source, staging.settings
    landed = Landed(source, Landing(source.name, settings), loads, refined)
    files = {name: landed.files(name, gone.get(name, ())) for name in source.extracted}
    for name in (name for name, table in source.extracted.items() if table.files):
        landed.files(withdrawn.folder_of(name))
    if loads and staging.last_load and not staging.aside:
        done.notes += _note_lost_silver(staging, loads)
    for batch in _batches(files, loads):
        progress(f"{len(done.loads) + len(batch)} of {len(loads)} loads")
        last_load = max(*batch, kept or batch[0], key=float)
        in_order = staging.in_order or (not replay and batch[-1] == loads[-1])
        size = sum(file.size for found in files.values() for file in found if file.load in set(batch))
        work = partial(_refine, staging, batch, landed, files, last_load, in_order)
        for name, judged in with_memory(size, work).items():
            counts = [counted for load, counted in judged.counts.items() if load in set(batch)]
            done.landed[name] += sum(landed for landed, _, _ in counts)
            done.accepted[name] += sum(accepted for _, accepted, _ in counts)
            done.rejected[name] += sum(rejected for _, _, rejected in counts)
            if seen := drift.merge_seen([done.seen.get(name), judged.seen]):
                done.seen[name] = seen
        done.loads += batch


def _note_lost_silver(staging: Staging, loads: list[str]) -> list[str]:
    """Remember, until a rebuild, tables that silver has lost: these loads begin them again, without rows that staging has."""
    existing = Silver(staging.source.name, staging.settings).tables()
    accepted = staging.accepted(loads) if set(staging.source.tables) - set(existing) else set()
    gone = sorted(name for name in staging.source.tables if name in accepted and name not in existing)
    if gone:
        staging.note({f"{SILVER}{name}": "incomplete" for name in gone})
    return [silver_lacks(staging.source.name, gone)] if gone else []


def pending(landing: Landing, staging: Staging) -> tuple[list[str], str]:
    """(committed loads that are not in staging, oldest first; the newest that is).

    Loads are counted up, so those after the newest. Landings exist whose loads were not, and one may have been put back to
    what it was: there staging is asked for each.
    """
    last = staging.last_load
    loads = landing.loads(since=last)
    after = [load for load in loads if load != last]
    if staging.in_order and (not last or last in loads):
        return after, last
    refined, known = staging.loads() - set(after), landing.loads()
    return [load for load in known if load not in refined and load != last], last if last in known else ""


def _batches(files: Files, loads: list[str]) -> Iterator[list[str]]:
    sizes: Counter[str] = Counter()
    for file in (file for found in files.values() for file in found):
        sizes[file.load] += file.size
    batch: list[str] = []
    size = 0
    for load in loads:
        batch.append(load)
        size += sizes[load]
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _refine(
    staging: Staging, loads: list[str], landed: Landed, files: Files, last_load: str, in_order: bool
) -> dict[str, Judged]:
    folder = staging.settings.workplace(staging.source.name) / "refine"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        judged = _judge(staging, loads, landed, files, folder)
        staging.write(judged, folder, last_load=last_load, in_order=in_order)
        return judged
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _judge(staging: Staging, loads: list[str], checked: Landed, files: Files, folder: Path) -> dict[str, Judged]:
    source, settings = staging.source, staging.settings
    silver = Silver(source.name, settings, aside=staging.aside)
    redactions = of_tables(source.tables, source.contracts)
    judge = Judge(source.name, folder, read_salt(settings), settings.clock(), settings.memory)
    judged: dict[str, Judged] = {}
    landing, wanted = Landing(source.name, settings), set(loads)
    landed = {
        name: checked.fetch(name, [file for file in found if file.load in wanted], folder / "landed" / name)
        for name, found in files.items()
    }
    marked: dict[str, dict[str, str]] = {}
    for name, table in source.tables.items():
        paths, contract = landed[table.from_ or name], source.contracts[name]
        marks = withdrawn.marks_of(landing, name, folder / "marks" / name) if table.files else {}
        marked[name] = marks
        fresh = {file: load for file, load in marks.items() if load in wanted}
        if marks:
            if table.mode == "upsert" and (fresh or withdrawn.names_in(paths) & set(marks)):
                # other files may have had their keys before
                landed[name] = paths = _all_landed(landing, name, loads, folder / "landed" / name)
            if fresh and not paths:
                judged[name] = withdrawn.nothing(columns_of(contract), folder)
        if paths:
            parent, lost = judged.get(table.from_ or ""), set[str]()
            if above := marked.get(table.from_ or ""):
                paths, lost = withdrawn.filter_files(paths, above, folder / "remaining" / name, settings.memory)
            with part(name, "judge") as took:
                field_ids = partial(silver.field_ids, name)
                judged[name] = judge.judge(name, table, contract, paths, parent, redactions[name], field_ids)
                judged[name] = withdrawn.drop_withdrawn(judged[name], paths, marks, folder / name, settings.memory)
                judged[name].counts.update(dict.fromkeys(lost - set(judged[name].counts), (0, 0, 0)))
                took.count(sum(landed for landed, _, _ in judged[name].counts.values()))
        if name not in judged:
            continue
        if table.by_file and fresh:  # looks at every load there is, so only where it must
            withdrawn.recount_earlier(judged[name], name, landing, loads, marks, fresh)
            silver.remove(name, table.file_column(contract), fresh)
        if external.is_external(source, name, settings):
            judged[name] = external.storable(
                judged[name], columns_of(contract), folder / "storable" / name, settings.memory
            )
        again = list(judged[table.from_ or name].counts)  # not loads whose raw rows have expired: theirs stay
        with part(name, "silver") as took:
            silver.write(name, judged[name].accepted, again)
            took.count(sum(accepted for _, accepted, _ in judged[name].counts.values()))
    return judged


def _all_landed(landing: Landing, table: str, loads: list[str], folder: Path) -> list[str]:
    """Every file that a table has landed up to the newest of `loads`, as paths on this machine."""
    last = max(map(float, loads))
    return landing.fetch(landing.files(table, [load for load in landing.loads() if float(load) <= last]), folder)
