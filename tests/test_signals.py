"""SIGINT and SIGTERM: a command ends within ten seconds, by one exit code, and the next run is right."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests import forks
from tests.harness import ROOT
from tests.small import Small

pytestmark = pytest.mark.slow

DROPS = """
import gc, signal, time, weakref
from foundation import signals

def strike(*_):
    signal.raise_signal(signal.SIGTERM)

class Thing:
    pass

class Struck:
    __del__ = strike

with signals.interruptible():
    try:
        {dropped}
        time.sleep(30)
    except signals.Interrupted as error:
        print("ended", error.exit_code)
"""

STUBBORN = """
import time

def things(request, values):
    yield {"id": 1, "name": "one"}
    for _ in range(600):
        try:
            time.sleep(0.1)
        except BaseException:
            pass
"""


class Struck(Small):
    """Small sources whose commands get signals."""

    def strike(self, *arguments: str, number: int, after: float, again: float = 0) -> tuple[int, float, str]:
        """Begin a command and send it a signal; (exit code, seconds until its end, what it said)."""
        out, err = self.folder / "out", self.folder / "err"
        process = forks.start(["runner.py", *arguments], self.code, self.environment, out, err)
        time.sleep(after)
        began = time.monotonic()
        for wait in [0, again] if again else [0]:
            time.sleep(wait)
            if process.is_alive():
                os.kill(process.pid, number)
        process.join(60)
        return int(process.exitcode), time.monotonic() - began, out.read_text() + err.read_text()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Struck:
    shop = Struck(tmp_path_factory.mktemp("signals"), "shop")
    shop.deliver("shop", "0.csv", *(f"{i},name {i}" for i in range(1, 200)))
    shop.run("run", "--now")
    return shop


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("command", "number"),
    [
        (("run", "--now"), signal.SIGTERM),
        (("run", "--now"), signal.SIGINT),
        (("replay", "shop"), signal.SIGINT),
        (("rebuild", "shop"), signal.SIGTERM),
        (("serve", "--every", "1"), signal.SIGTERM),
    ],
)
def test_a_signal_at_any_moment(shop: Struck, command: tuple[str, ...], number: int) -> None:
    draw = random.Random(f"{command}{number}")
    rows = len(shop.gold("shop"))
    shop.deliver("shop", f"{command[0]}{number}.csv", f"{1000 + rows},new")
    code, seconds, said = shop.strike(*command, number=number, after=draw.uniform(0.5, 3.0))
    assert code in ((128 + number,) if command[0] == "serve" else (0, 128 + number)), said
    assert seconds < 10 and "Traceback" not in said
    if code:
        assert f"ended by {signal.Signals(number).name}" in said
    shop.run("run", "--now")
    if command[0] == "rebuild":
        shop.run("rebuild", "shop")
    assert len(shop.gold("shop")) == rows + 1
    assert shop.run("run", "--now").stdout.count("nothing new") == 2


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "dropped",
    [
        "Struck()",  # a finalizer
        "thing = Thing(); kept = weakref.ref(thing, strike); del thing",
        "gc.callbacks.append(lambda *_: (gc.callbacks.clear(), strike())); gc.collect()",
    ],
)
def test_a_signal_that_python_drops_still_ends_the_command(dropped: str) -> None:
    code = [sys.executable, "-c", DROPS.format(dropped=dropped)]
    said = subprocess.run(code, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert (said.stdout, said.stderr) == ("ended 143\n", "")


@pytest.fixture
def stubborn(shop: Struck) -> Any:
    """A source whose own code swallows what is raised in it."""
    folder = shop.code / "dlt_sources" / "shop"
    declared, kept = folder / "source.yml", (folder / "source.yml").read_text()
    declared.write_text("""description: things
owner: me
schedule: "@daily"
connector: python
tables:
  things: {contract: Thing, key: [id]}
""")
    (folder / "extract.py").write_text(STUBBORN)
    files = shop.environment.pop("ELT_SHOP_FILES")
    yield shop
    shop.environment["ELT_SHOP_FILES"] = files
    declared.write_text(kept)
    (folder / "extract.py").unlink()


@pytest.mark.few(1)
@pytest.mark.parametrize("again", [0, 1.0])
def test_code_that_does_not_listen_is_ended(stubborn: Struck, again: float) -> None:
    code, seconds, said = stubborn.strike("run", "--now", number=signal.SIGTERM, after=3, again=again)
    assert code == 128 + signal.SIGTERM, said
    assert seconds < (4 if again else 10)
    record = stubborn.status()["runs"][0]
    assert record["status"] == "interrupted"
