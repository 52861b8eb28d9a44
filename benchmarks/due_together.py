"""How long many sources take on target aws that are due in the same minute: ``python -m benchmarks.due_together [SOURCES [LOGIN
STATEMENT COMMIT REQUEST]]``.

Simulated, by a clock of its own: what a source costs more is what a run of 40 asks and computes more than one of 10, both
measured on the stand-ins of the tests (many_aws.py), and what is asked takes as long as is said here. Steps other than
refine come one source after the other. Refines share one core, since Python runs one thread at a time, and the cluster's
queue of commits; each waits for its own statements and requests.
"""

from __future__ import annotations

import heapq
import sys
from collections import deque
from dataclasses import dataclass

import settings as configuration
from benchmarks.many_aws import NAMES, Pace, Taken, measure
from dlt_sources._steps.stores.memory import refined_at_a_time

FEW, MORE = 10, 40
PACES = [Pace(0.3, statement, 1.0, 0.03) for statement in (0.03, 0.1, 0.5)]
TURNS = 10
"""How many times a source's computing and waiting take turns."""


@dataclass(frozen=True)
class Cost:
    """What a step takes: seconds of waiting and of CPU, and commits."""

    waits: float
    cpu: float
    commits: float

    def seconds(self, commit: float) -> float:
        """How long it takes where nothing else goes on."""
        return self.waits + self.cpu + self.commits * commit


def cost_of(taken: Taken, step: str, pace: Pace) -> Cost:
    """What a step of a run took, by the counts of that run and a pace."""
    asked = taken.steps.get(step, {})
    waits = asked.get("login", 0) * pace.login + asked.get("statement", 0) * pace.statement
    waits += (asked.get("s3", 0) + asked.get("glue", 0)) * pace.request
    return Cost(waits, taken.cpu_of.get(step, 0.0), asked.get("commit", 0))


def grown(few: Cost, more: Cost) -> tuple[Cost, Cost]:
    """(what each source adds, what a step takes besides), by two runs of `FEW` and `MORE` sources."""
    of = MORE - FEW
    each = Cost((more.waits - few.waits) / of, (more.cpu - few.cpu) / of, (more.commits - few.commits) / of)
    each = Cost(max(each.waits, 0), max(each.cpu, 0), max(each.commits, 0))
    rest = Cost(few.waits - each.waits * FEW, few.cpu - each.cpu * FEW, few.commits - each.commits * FEW)
    return each, Cost(max(rest.waits, 0), max(rest.cpu, 0), max(rest.commits, 0))


def side_by_side(each: Cost, count: int, workers: int, commit: float) -> float:
    """Seconds until so many sources are through that share one core and one queue of commits."""
    stages = [("wait", each.waits / TURNS), ("cpu", each.cpu / TURNS)] * TURNS + [("commit", each.commits * commit)]
    free = {"cpu": 0.0, "commit": 0.0}
    waiting = deque(range(count))
    under_way = [(0.0, waiting.popleft(), 0) for _ in range(min(workers, count))]
    heapq.heapify(under_way)
    end = 0.0
    while under_way:
        now, source, stage = heapq.heappop(under_way)
        if stage == len(stages):
            end = now
            if waiting:
                heapq.heappush(under_way, (now, waiting.popleft(), 0))
            continue
        what, seconds = stages[stage]
        began = max(now, free[what]) if what in free else now
        if what in free:
            free[what] = began + seconds
        heapq.heappush(under_way, (began + seconds, source, stage + 1))
    return end


def simulate(few: Taken, more: Taken, count: int, pace: Pace, workers: int) -> dict[str, float]:
    """Seconds of each step of a run of so many sources, with so many refined at a time."""
    found = {}
    for step in more.steps:
        each, rest = grown(cost_of(few, step, pace), cost_of(more, step, pace))
        if step == "refine":
            found[step] = rest.seconds(pace.commit) + side_by_side(each, count, workers, pace.commit)
        else:
            found[step] = rest.seconds(pace.commit) + count * each.seconds(pace.commit)
    return found


def by_step(taken: Taken) -> str:
    """What each step of a run computed and asked, in a line."""
    return ", ".join(
        f"{step} {taken.cpu_of.get(step, 0):.1f}/{asked['statement']}/{asked['commit']}/{asked['s3'] + asked['glue']}"
        for step, asked in taken.steps.items()
    )


def main(count: int = 500, *times: float) -> None:
    """Measure 10 and 40 sources, and print what so many would take, for the times that are given or for `PACES`."""
    workers = refined_at_a_time(configuration.load())
    print(f"| sources | | s of CPU | {' | '.join(NAMES)} | CPU/statements/commits/requests of each step |")
    print(f"|{'---|' * (4 + len(NAMES))}")
    runs: dict[int, dict[str, Taken]] = {FEW: {}, MORE: {}}
    for many, measured in runs.items():
        for shown, taken in measure(many, Pace()):
            measured[shown] = taken
            asked = " | ".join(str(taken.total[name]) for name in NAMES)
            print(f"| {many} | {shown} | {taken.cpu:.1f} | {asked} | {by_step(taken)} |", flush=True)
    for pace in [Pace(*times)] if times else PACES:
        said = f"login {pace.login:g}, statement {pace.statement:g}, commit {pace.commit:g}, request {pace.request:g}"
        print(f"\n{count} sources; seconds: {said}")
        print("| | sources refined at a time | minutes | of that, by step |\n|---|---|---|---|")
        for shown in runs[FEW]:
            for most in (1, workers):
                took = simulate(runs[FEW][shown], runs[MORE][shown], count, pace, most)
                steps = ", ".join(f"{step} {seconds / 60:.1f}" for step, seconds in took.items())
                print(f"| {shown} | {most} | {sum(took.values()) / 60:.1f} | {steps} |", flush=True)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]), *map(float, sys.argv[2:]))
