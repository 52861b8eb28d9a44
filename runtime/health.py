"""Whether this container is well: ``python -m runtime.health`` exits 0 or 1, for a container's health check.

A resident ``serve`` writes a heartbeat when it looks at the schedule and when it has finished a turn. It is unhealthy when it
should have looked again and has not, or when a turn takes longer than any should: then it hangs. A thread that beats by
itself would say nothing about the loop, so there is none. A command that ends by itself has no heartbeat: it is well as
long as it runs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import sys
import time
from pathlib import Path
from typing import Any

from pydantic import model_validator

from settings import Settings

GRACE = 60.0
"""Seconds that a look at the schedule may be late: a machine under load, a clock that was set."""
TURN = 4 * 3600.0
"""Seconds that one turn may take, unless --turn says otherwise: more than a long backfill, less than a lost night."""


class _Place(Settings):
    """The settings without any but the data folder: a health check must not ask Secrets Manager twice a minute."""

    @model_validator(mode="before")
    @classmethod
    def _revealed(cls, given: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in given.items() if name == "data_dir"}


class Heartbeat:
    """What a resident process last did, as a file in the data folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or _Place().data) / "heartbeat.json"

    def beat(self, in_turn: bool, every: float) -> None:
        """Say that the loop is alive: before a turn (`in_turn`), or after it, to come back in `every` seconds.

        What cannot be written is left out: a heartbeat that grows old is what the health check is there to find.
        """
        beat = {"host": socket.gethostname(), "at": time.time(), "in_turn": in_turn, "every": every}
        draft = self.path.with_suffix(".new")
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(beat))
            draft.replace(self.path)

    def end(self) -> None:
        """The loop ends as it was told to."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def find_fault(self, turn: float = TURN) -> str:
        """What is wrong; empty when all is well.

        Args:
            turn: seconds that one turn may take.
        """
        try:
            beat: dict[str, Any] = json.loads(self.path.read_text())
        except FileNotFoundError:
            return ""
        except (OSError, ValueError) as error:
            return f"{self.path} cannot be read: {error}"
        if beat["host"] != socket.gethostname():  # another container's, on a volume that both have
            return ""
        if "in_turn" not in beat:  # an earlier release's, whose process has not been restarted yet
            return ""
        age = time.time() - beat["at"]
        if beat["in_turn"] and age > turn:
            return f"a turn has been running for {age:.0f} s, more than the {turn:.0f} s that one may take: it hangs"
        if not beat["in_turn"] and age > beat["every"] + GRACE:
            return (
                f"the schedule was looked at {age:.0f} s ago and should be every {beat['every']:.0f} s: the loop hangs"
            )
        return ""


def main() -> int:
    """Say what is wrong, if anything; returns the exit code that Docker and ECS expect."""
    parser = argparse.ArgumentParser(prog="python -m runtime.health", description=__doc__)
    parser.add_argument("--turn", type=float, default=TURN, help="seconds that one turn of `serve` may take")
    fault = Heartbeat().find_fault(parser.parse_args().turn)
    print(fault or "well")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
