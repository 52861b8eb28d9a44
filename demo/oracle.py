"""What a correct pipeline must have at the end of a virtual day, worked out plainly from the generated records.

Independent on purpose: nothing here reads a contract, a model or a table of the pipeline.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson

from .deftunes import DefTunes
from .records import START, Reason, Slot, Version, current, day_of, json_text

OVERLAP = timedelta(days=7)


@dataclass
class Expected:
    """The oracle's answer.

    Attributes:
        rejected: how many rows each (table, field, rule) rejects, over all days so far.
        staged: rows per staging table.
        status: per dimension: rows per status.
        items: rows of the fact; revenue: their sum.
        songs: the catalogue as the dimension must hold it.
        by_artist: (year, artist name) to revenue; by_country: (month, year, country or None) to revenue.
    """

    rejected: Counter[Reason] = field(default_factory=Counter)
    staged: dict[str, int] = field(default_factory=dict)
    status: dict[str, Counter[str]] = field(default_factory=dict)
    items: int = 0
    revenue: Decimal = Decimal(0)
    songs: list[tuple[Any, ...]] = field(default_factory=list)
    by_artist: dict[tuple[int, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    by_country: dict[tuple[int, int, str | None], Decimal] = field(default_factory=lambda: defaultdict(Decimal))


def expect(world: DefTunes, day: int) -> Expected:
    """What must be there after a run on every virtual day from 0 to `day`."""
    users: dict[str, dict[str, Any]] = {}
    sessions: dict[str, Version] = {}
    songs: dict[str, dict[str, Any]] = {}
    found = Expected()
    seen: dict[str, set[bytes]] = {"users": set(), "sessions": set(), "songs": set()}
    for now in range(day + 1):
        for version in _read(world.users, "users", now, seen):
            if _good(found, version):
                users[version.body["user_id"]] = version.body
        for version in _read(world.sessions, "sessions", now, seen):
            found.rejected.update(reason for reason in version.items if reason)
            if _good(found, version):
                sessions[version.body["session_id"]] = version
        for version in _read(world.songs, "songs", now, seen):
            if _good(found, version):
                songs[version.body["track_id"]] = version.body
        there = {v.body["track_id"] for slot in world.songs if (v := current(slot, now))}
        songs = {track: body for track, body in songs.items() if track in there}
    items = {
        (session_id, item["song_id"]): (version.body, item)
        for session_id, version in sessions.items()
        for item, reason in zip(version.body["session_items"], version.items, strict=True)
        if reason is None
    }
    found.staged = {"users": len(users), "sessions": len(sessions), "session_items": len(items), "songs": len(songs)}
    _gold(found, users, sessions, songs, list(items.values()))
    return found


def _read(slots: list[Slot], name: str, now: int, seen: dict[str, set[bytes]]) -> list[Version]:
    """The records one read lands: what its window holds and the read before did not."""
    since = START if now == 0 else day_of(now - 1) - OVERLAP
    answered = [v for slot in slots if (v := current(slot, now))]
    if name == "sessions":
        first, last = since.isoformat(), day_of(now).isoformat()
        answered = [v for v in answered if in_window(v.body, "session_start_time", first, last)]
    texts = [_digest(v.body) for v in answered]
    new = [v for v, text in zip(answered, texts, strict=True) if text not in seen[name]]
    seen[name] = set(texts)
    return new


def _digest(body: Any) -> bytes:
    """What tells records apart: of a million of them the texts would be gigabytes."""
    return hashlib.blake2b(json_text(body, orjson.OPT_SORT_KEYS), digest_size=16).digest()


def in_window(body: Any, name: str, since: str, until: str) -> bool:
    """Whether the API sends a record for a window of days: also when its time is none, for it cannot tell."""
    return in_days(body.get(name) if isinstance(body, dict) else None, since, until)


def in_days(value: Any, since: str, until: str) -> bool:
    """The same for the value of a record's time."""
    if not isinstance(value, str) or value[:2] != "20":
        return True
    return since <= value[:10] <= until


def _good(found: Expected, version: Version) -> bool:
    if version.reason:
        found.rejected[version.reason] += 1
    return version.reason is None


def _gold(
    found: Expected,
    users: dict[str, Any],
    sessions: dict[str, Version],
    songs: dict[str, Any],
    items: list[tuple[dict[str, Any], dict[str, Any]]],
) -> None:
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for song in songs.values():
        names[song["artist_id"]][song["artist_name"]] += 1
    known = set(names)
    for _, item in items:
        if item["artist_id"] not in known:
            names[item["artist_id"]][item["artist_name"]] += 1
    name = {artist: min(uses, key=lambda n: (-uses[n], n)) for artist, uses in names.items()}
    mentioned = {version.body["user_id"] for version in sessions.values()}
    tracks = {item["song_id"] for _, item in items}
    found.status = {
        "dim_users": Counter(known=len(users), inferred=len(mentioned - set(users))),
        "dim_songs": Counter(known=len(songs), inferred=len(tracks - set(songs))),
        "dim_artists": Counter(known=len(known), inferred=len(set(names) - known)),
    }
    found.songs = [_song(body) for body in songs.values()]
    found.items = len(items)
    for session, item in items:
        price = Decimal(str(item["price"]))
        year, month = int(session["session_start_time"][:4]), int(session["session_start_time"][5:7])
        place = users.get(session["user_id"], {}).get("user_location")
        found.revenue += price
        found.by_artist[year, name[item["artist_id"]]] += price
        found.by_country[month, year, place[3] if place else None] += price


def _song(body: dict[str, Any]) -> tuple[Any, ...]:
    duration = None if body["duration"] is None else float(body["duration"])
    told = (body["track_id"], body["song_id"], body["title"], body["release"], body["year"] or None, body["artist_id"])
    return (*told, duration)
