"""``python -m tests.soak --minutes 30 --seed 1``: strike, run again, compare; ends with 1 when anything was not as it should be."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from settings import LIBRARIES
from tests.soak import faults, project, report, shim
from tests.soak.trials import COMMANDS, Soak, Trial, close
from tests.soak.upstream import Upstream


def main() -> int:
    """Strike for so many minutes."""
    given = parse()
    os.environ.update(LIBRARIES)  # before the process that forks the commands imports what reads them
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=given.folder))
    kinds = possible(given.faults or [*faults.KINDS], folder)
    project.warm_up(folder)
    trials: list[Trial] = []
    with Upstream(folder / "upstream", given.seed) as upstream:
        try:
            soak = Soak(folder, upstream, given.seed, planted=given.planted, kinds=kinds, commands=given.commands,
                        asks_status=not given.without_status)  # fmt: skip
            soak.begin()
            until = time.monotonic() + given.minutes * 60
            number = given.first
            for skipped in range(1, number):
                soak.skip(skipped)
            while time.monotonic() < until and len(trials) < given.trials:
                trials.append(soak.take(number))
                print(
                    f"{number:4} {'BAD ' if trials[-1].is_bad else ''}{trials[-1].words}: {trials[-1].kind}", flush=True
                )
                if trials[-1].is_bad:
                    print(trials[-1].show(), flush=True)
                    if given.planted:
                        break
                number += 1
        finally:
            close()
    print(report.table(trials))
    if given.write:
        report.write(trials, given.seed, given.minutes)
    bad = [trial.number for trial in trials if trial.is_bad]
    for number in bad[:10]:
        print(f"to repeat: python -m tests.soak --seed {given.seed} --trial {number}")
    if not given.keep:
        shutil.rmtree(folder)
    return 1 if bad else 0


def possible(kinds: list[str], folder: Path) -> list[str]:
    """The kinds of faults that this machine can make; says which it cannot."""
    if not project.has_root():
        kinds = leave_out(kinds, faults.BY_ROOT, "nobody but root may mount file systems")
    library = shim.build(folder)
    if library:
        shim.preload(library)
        return kinds
    return leave_out(kinds, faults.BY_SHIM, "there is no C compiler for tests/soak/shim.c")


def leave_out(kinds: list[str], these: set[str], why: str) -> list[str]:
    """The kinds without some."""
    if left := sorted(these & set(kinds)):
        print(f"left out, {why}: {', '.join(left)}")
    return [kind for kind in kinds if kind not in these]


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument(
        "--trial", dest="first", type=int, default=0, metavar="N", help="only the N-th trial of the seed"
    )
    parser.add_argument("--trials", type=int, default=1_000_000, help="at most so many")
    parser.add_argument("--faults", nargs="*", choices=faults.KINDS, help="only these kinds")
    parser.add_argument("--commands", nargs="*", choices=COMMANDS, default=[], help="only these commands")
    parser.add_argument("--without-status", action="store_true", help="nobody asks for `status` meanwhile")
    parser.add_argument("--planted", default="", help="a bug of tests/soak/planted.py that the soak must find")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder unless given")
    parser.add_argument("--keep", action="store_true", help="leave the folder as it is at the end")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    given = parser.parse_args()
    if given.first:
        given.trials = 1
    given.first = given.first or 1
    print(f"seed {given.seed}", flush=True)
    return given


if __name__ == "__main__":
    sys.exit(main())
