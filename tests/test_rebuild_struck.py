"""A rebuild that is killed at any moment: what is published is the old or the new, whole, and the next command finishes."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from tests import forks
from tests.small import CONTRACT, Small

pytestmark = pytest.mark.slow

TRIALS = 4
STRICT = CONTRACT.replace("ge=1", "ge=200")


class Shop(Small):
    """A source `shop` whose contract asks for more or less."""

    def declare(self, name: str, **table: Any) -> None:
        super().declare(name, max_rejected={"share": 1}, **table)

    def ask(self, contract: str) -> None:
        (self.code / "dlt_sources/shop/contract.py").write_text(contract)
        self("-m", "dlt_sources.derive")

    def kill(self, *arguments: str, after: float) -> int:
        """Begin a command and kill it after so many seconds; returns how it ended."""
        process = forks.start(
            ["runner.py", *arguments], self.code, self.environment, self.folder / "out", self.folder / "err"
        )
        process.join(after)
        process.kill()
        process.join()
        return int(process.exitcode)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("shop"), "shop")
    for n in range(3):
        shop.deliver("shop", f"{n}.csv", *(f"{i},name {i}" for i in range(100 * n, 100 * n + 120)))
        shop.run("run", "--now")
    return shop


@pytest.mark.nightly
def test_a_rebuild_is_killed_at_any_moment(shop: Shop) -> None:
    loose, began = shop.gold("shop"), time.monotonic()
    shop.ask(STRICT)
    shop.run("rebuild", "shop")
    strict, lasts = shop.gold("shop"), time.monotonic() - began
    assert [row for row in loose if row[0] >= 200] == strict != loose
    draw, before = random.Random(7), strict
    for trial in range(TRIALS):
        contract, after = (CONTRACT, loose) if before == strict else (STRICT, strict)
        shop.ask(contract)
        code = shop.kill("rebuild", "shop", after=draw.uniform(0.2, 1.1) * lasts)
        assert code in (0, -9)
        assert shop.gold("shop") in (before, after)
        if trial % 2:  # a run does not go on with a rebuild that had not gathered everything, and finishes one that had
            shop.run("run", "--now")
            assert shop.gold("shop") in (before, after)
        shop.run("rebuild", "shop")
        assert shop.gold("shop") == after
        before = after
