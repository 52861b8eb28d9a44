"""A resident process starts its turns when the clock says so, however long a turn takes."""

import signal
import time
from itertools import pairwise

import pytest

from foundation.signals import Interrupted
from runtime import resident
from runtime.health import Heartbeat


@pytest.mark.slow
@pytest.mark.parametrize("takes", [0.0, 0.4, 1.3])
def test_turns_start_on_the_full_second_however_long_they_take(tmp_path, takes):
    starts = []

    def turn():
        starts.append(time.time())
        time.sleep(takes)
        if len(starts) == 4:
            raise Interrupted(signal.SIGTERM)
        return 0

    with pytest.raises(Interrupted):
        resident.serve(turn, 1.0, Heartbeat(tmp_path))
    assert len(starts) == 4
    assert all(start % 1 < 0.3 for start in starts[1:])
    gaps = [round(after - before) for before, after in pairwise(starts[1:])]
    assert gaps == [2 if takes > 1 else 1] * 2
