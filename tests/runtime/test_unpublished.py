"""What is built and not published is said once: by its domain, or by its source."""

from datetime import UTC, datetime

import pytest

from runtime.unpublished import NEXT, describe, each_once
from warehouse.run import Progress
from warehouse.waiting import INTERRUPTED, Held

SINCE = datetime(2026, 1, 2, 6, tzinfo=UTC)
STAGING = Progress(held="1", held_by=frozenset("a"), held_why="too many rejected", held_in="staging")
GOLD = Progress(held="1", held_by=frozenset("a"), held_why="a check", held_in="gold")
CHECKED = Held(frozenset("ab"), SINCE, "its check failed", "digest")
WAITS = Held(frozenset("ab"), SINCE, "a waits")
KILLED = Held(frozenset("ab"), SINCE, INTERRUPTED)


@pytest.mark.parametrize(
    ("domains", "sources", "expected"),
    [
        ({}, {}, ""),
        ({"d": CHECKED}, {}, "d"),  # after a plan: no source brought anything new
        ({"d": CHECKED}, {"a": GOLD, "b": GOLD}, "d"),  # after a run
        ({"d": KILLED}, {}, "d"),
        ({}, {"a": STAGING}, "a"),
        ({"d": WAITS}, {"a": STAGING, "b": GOLD}, "ab"),  # both wait, and the reason is the one's
        ({"d": WAITS}, {"a": STAGING}, "a"),
        ({"d": CHECKED}, {"a": STAGING, "b": GOLD}, "da"),  # two reasons
        ({"d": CHECKED, "e": WAITS}, {"a": GOLD, "b": GOLD}, "de"),
        ({}, {"a": GOLD}, "a"),
    ],
)
def test_each_is_said_once(domains, sources, expected):
    domains, sources = each_once(domains, sources)
    assert "".join([*domains, *sources]) == expected
    texts = describe(domains, sources)
    assert len(texts) == len(expected)
    for name, text in zip(expected, texts, strict=True):
        assert text.startswith(f"{name} is ") and "python runner.py" in text
        assert (NEXT in text) == (name == "d" and domains["d"].checks != "")
