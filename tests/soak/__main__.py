"""``python -m tests.soak --minutes 30 --seed 1``: strike, run again, compare; ends with 1 when anything was not as it should be."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from settings import LIBRARIES
from tests.flushes import preload
from tests.soak import aws_faults, faults, planted, project, report, shim
from tests.soak.aws_trials import AwsSoak
from tests.soak.trials import COMMANDS, Soak, Trial
from tests.soak.upstream import Upstream

SOAKS: dict[str, type[Soak]] = {"local": Soak, "aws": AwsSoak}


def main() -> int:
    """Strike for so many minutes; or, with planted bugs, until each is found."""
    given = parse()
    os.environ.update(LIBRARIES)  # before the process that forks the commands imports what reads them
    if given.folder:
        Path(given.folder).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=given.folder))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left behind
    kind = SOAKS[given.target]
    try:
        kinds = possible(given.faults or [*kind.all_kinds], folder)
        project.warm_up(folder)
        with Upstream(folder / "upstream", given.seed) as upstream:
            soak = kind(folder, upstream, given.seed, kinds=kinds, commands=given.commands)
            soak.asks_status = not given.without_status
            if given.strikes:
                soak.further = [1] * given.strikes
            try:
                soak.begin(given.first)
                return find(soak, given.planted, given.trials) if given.planted else strike(soak, given)
            finally:
                soak.close()
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)


def strike(soak: Soak, given: argparse.Namespace) -> int:
    """Trials until the time is over; 1 when one of them was bad."""
    trials: list[Trial] = []
    until = time.monotonic() + given.minutes * 60
    while (time.monotonic() < until or not trials) and len(trials) < given.trials:
        trial = soak.take(given.first + len(trials))
        trials.append(trial)
        print(
            f"{trial.number:4} {trial.words}: {trial.kind}: {f'right after {trial.runs}' if trial.runs else 'NOT RIGHT'}"
        )
        if trial.is_bad:
            print(trial.show())
        sys.stdout.flush()
    print(report.table(trials))
    if given.write:
        report.write(trials, given.seed, given.minutes, given.target)
    bad = [trial.number for trial in trials if trial.is_bad]
    strikes = f" --strikes {given.strikes}" if given.strikes else ""
    for number in bad[:10]:
        print(f"to repeat: python -m tests.soak --target {given.target} --seed {given.seed}{strikes} --trial {number}")
    return 1 if bad else 0


def find(soak: Soak, plants: list[str], most: int) -> int:
    """Plant each bug and strike until it is found; 1 when one of them was not, in so many trials."""
    missed = 0
    for plant in plants:
        soak.choose([planted.STRUCK_BY.get(plant, "SIGKILL")], ["run --now"])
        soak.project.planted = plant
        trials: list[Trial] = []
        while not trials or not (trials[-1].is_bad or len(trials) == most):
            trials.append(soak.take(len(trials) + 1, stays=True))
        missed += not trials[-1].is_bad
        print(f"{plant}: {f'found by trial {len(trials)}' if trials[-1].is_bad else f'NOT FOUND in {most} trials'}")
        print(trials[-1].show(), flush=True)
    return 1 if missed else 0


def possible(kinds: list[str], folder: Path) -> list[str]:
    """The kinds of faults that this machine can make; says which it cannot."""
    if not project.has_root():
        kinds = leave_out(kinds, faults.BY_ROOT, "nobody but root may mount file systems")
    library = shim.build(folder)
    if library:
        preload(library)
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
    parser.add_argument("--target", choices=SOAKS, default="local", help="aws: its stand-ins of tests/aws")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument(
        "--trial", dest="first", type=int, default=0, metavar="N", help="only the N-th trial of the seed"
    )
    parser.add_argument("--trials", type=int, default=1_000_000, help="at most so many")
    parser.add_argument(
        "--faults", nargs="*", choices=[*dict.fromkeys([*faults.KINDS, *aws_faults.KINDS])], help="only these kinds"
    )
    parser.add_argument("--commands", nargs="*", choices=COMMANDS, default=[], help="only these commands")
    parser.add_argument(
        "--strikes",
        type=int,
        metavar="N",
        help="one to N strikes a trial, each as likely, on runs that follow one another; by default mostly one, at most three",
    )
    parser.add_argument("--without-status", action="store_true", help="nobody asks for `status` meanwhile")
    parser.add_argument(
        "--planted",
        nargs="*",
        choices=planted.PLANTS,
        metavar="BUG",
        default=[],
        help=f"only look whether a soak finds these planted bugs, in at most so many trials each: {', '.join(planted.PLANTS)}",
    )
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder unless given")
    parser.add_argument("--keep", action="store_true", help="leave the folder as it is at the end")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    given = parser.parse_args()
    target = SOAKS[given.target]
    if unknown := {*(given.faults or ())} - {*target.all_kinds} | {*given.commands} - {*target.all_commands}:
        parser.error(f"not on target {given.target}: {', '.join(sorted(unknown))}")
    if elsewhere := [plant for plant in given.planted if (plant in planted.ON_AWS) != (given.target == "aws")]:
        parser.error(f"not planted on target {given.target}: {', '.join(elsewhere)}")
    if given.first:
        given.trials = 1
    given.first = given.first or 1
    print(f"seed {given.seed}", flush=True)
    return given


if __name__ == "__main__":
    sys.exit(main())
