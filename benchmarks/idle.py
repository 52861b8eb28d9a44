"""What a command costs when there is nothing to do: ``python -m benchmarks.idle``.

Runs the six systems once over the demo's world at a small scale, then times each command as a process of its own. Seconds are
medians of three of CPU, which other programs do not change, user and system; the ratio is to a Python that does nothing.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from demo.world import World

SCALE = 0.01
ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {
    "`--help`": ["runner.py", "--help"],
    "`run`, nothing due": ["runner.py", "run"],
    "`run --now`, six sources, nothing new": ["runner.py", "run", "--now"],
    "`status`": ["runner.py", "status"],
    "`rejected`": ["runner.py", "rejected"],
    "`doctor`": ["runner.py", "doctor"],
}
TURNS = 5
RESIDENT = f"""
import statistics, time
import runner
from dlt_sources.door import load_sources

names, took = load_sources().names, []
for turn in range({TURNS} + 1):
    begun = time.process_time()
    code = runner.run_flow("serve", names)
    assert code == 0, code
    took.append(time.process_time() - begun)
print(statistics.median(took[1:]))  # the first loads libraries
"""


def seconds(words: list[str], environment: dict[str, str]) -> float:
    """CPU seconds of one process and its children.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as name, World(Path(name, "world"), SCALE) as world:
        outside = {n: value for n, value in os.environ.items() if not n.startswith("ELT_")}
        environment = outside | {"ELT_DATA_DIR": f"{name}/data", "HOME": name} | world.environment
        first = seconds(["runner.py", "run", "--now"], environment)
        bare = statistics.median(seconds(["-c", "pass"], environment) for _ in range(3))
        print("| command | seconds of CPU | times a bare Python |\n|---|---|---|")
        print(f"| the first run of the six systems | {first:.1f} | {first / bare:,.0f} |")
        for shown, words in COMMANDS.items():
            took = statistics.median(seconds(words, environment) for _ in range(3))
            print(f"| {shown} | {took:.2f} | {took / bare:,.0f} |", flush=True)
        done = subprocess.run(
            [sys.executable, "-c", RESIDENT], cwd=ROOT, env=environment, check=True, capture_output=True
        )
        took = float(done.stdout.split()[-1])
        print(f"| a turn of a resident process, all six due, nothing new | {took:.2f} | {took / bare:,.0f} |")


if __name__ == "__main__":
    main()
