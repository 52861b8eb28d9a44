"""What the demo says first of its time and size is what it took, within a factor of two."""

import pytest

from demo import show

MEASURED = {  # scale: processes for each core when it began, minutes, GB of disk
    1: (0, 4.0, 0.47),
    4: (4, 22.1, 1.6),
    10: (5, 63, 3.8),
}
"""On two cores; of scale 4 and 10 beside other work."""


@pytest.mark.parametrize("scale", MEASURED)
def test_it_is_right_within_a_factor_of_two(scale):
    load, *measured = MEASURED[scale]
    for said, found in zip(show.estimate(scale, load), measured, strict=False):
        assert found / 2 <= said <= found * 2


def test_a_busy_machine_is_said_to_be_one(monkeypatch):
    monkeypatch.setattr(show.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(show.os, "getloadavg", lambda: (8.0, 8.0, 8.0))
    assert show._say_estimate(4).startswith(
        "It takes about 22 minutes, while this machine is as busy as now (4 processes"
    )
    monkeypatch.setattr(show.os, "getloadavg", lambda: (0.1, 8.0, 8.0))
    assert show._say_estimate(4).startswith(
        "It takes about 8 minutes, longer on a busy machine, about 1.6 GB of disk and 5 GB"
    )
