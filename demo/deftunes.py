"""DeFtunes as its two systems would be: accounts, sessions and a song catalogue over a few virtual days.

Everything follows from (seed, scale). A record is a slot with versions: the version of the newest day reached is what
the system answers. Dirty versions carry the verdict a correct pipeline must reach, so that the oracle need not ask one.
"""

from __future__ import annotations

import copy
import random
from datetime import timedelta
from functools import cached_property
from typing import Any

from . import oddities
from .records import DAYS, WORDS, Reason, Slot, Version, arrival, code, day_of, moment, new_uuid, pick, some, title
from .shop import People, Shop


class DefTunes:
    """Both systems of one (seed, scale); scale 1 is 5,000 users, 10,000 songs and 100,000 sessions."""

    def __init__(self, seed: int = 7, scale: float = 1) -> None:
        self.seed, self.scale = seed, scale

    def _random(self, part: str) -> random.Random:
        return random.Random(f"{self.seed}/{self.scale}/{part}")

    def _count(self, at_scale_1: int) -> int:
        return max(int(at_scale_1 * self.scale), 400)  # so many that one record of each odd kind is less than 5 %

    # -- songs ------------------------------------------------------------------------------------------------------

    @cached_property
    def songs(self) -> list[Slot]:
        """The catalogue's rows, each a dict of the 14 columns."""
        rng = self._random("songs")
        count = self._count(10_000)
        artists = [self._artist(rng) for _ in range(count // 3)]
        slots = []
        for number in range(count):
            artist = artists[int(len(artists) * rng.random() ** 2)]
            slots.append([Version(arrival(number, count), self._song(rng, artist))])
        self._change_songs(rng, slots)
        self._spoil_songs(rng, slots)
        return slots

    def _artist(self, rng: random.Random) -> tuple[str, list[str], list[str | None]]:
        """(id, its names, its MusicBrainz ids): some have several of each, some no id."""
        name = f"{pick(rng, WORDS)} {pick(rng, WORDS)} {int(rng.random() * 1000)}"
        names = [name, f"{name} feat. {pick(rng, WORDS)}"] if rng.random() < 0.08 else [name]
        mbids: list[str | None] = [None] if rng.random() < 0.15 else [new_uuid(rng)]
        return code(rng, "AR"), names, [*mbids, new_uuid(rng)] if rng.random() < 0.06 else mbids

    def _song(self, rng: random.Random, artist: tuple[str, list[str], list[str | None]]) -> dict[str, Any]:
        return {
            "track_id": code(rng, "TR"),
            "title": None if rng.random() < 0.004 else title(rng),
            "song_id": code(rng, "SO"),
            "release": title(rng),
            "artist_id": artist[0],
            "artist_mbid": pick(rng, artist[2]),
            "artist_name": pick(rng, artist[1]),
            "duration": round(90 + 300 * rng.random(), 5),
            "artist_familiarity": round(rng.random(), 6),
            "artist_hotttnesss": round(rng.random(), 6),
            "year": 0 if rng.random() < 0.4 else 1960 + int(51 * rng.random()),
            "track_7digitalid": int(9e6 * rng.random()),
            "shs_perf": -1 if rng.random() < 0.9 else int(1e5 * rng.random()),
            "shs_work": 0,
        }

    def _change_songs(self, rng: random.Random, slots: list[Slot]) -> None:
        """Corrections, and a track that leaves the catalogue."""
        settled = [slot for slot in slots if slot[0].day == 0]
        for number, slot in enumerate(some(rng, settled, max(6, len(slots) // 200))):
            body = slot[0].body
            day = 1 + number % (DAYS - 1)
            if number < 2:
                slot.append(Version(day, None))
            elif number % 3 == 0:
                slot.append(Version(day, body | {"artist_name": body["artist_name"] + " (remastered)"}))
            else:
                slot.append(Version(day, body | {"title": title(rng), "year": 1999}))

    def _spoil_songs(self, rng: random.Random, slots: list[Slot]) -> None:
        clean = some(rng, [slot for slot in slots if len(slot) == 1], len(slots))
        for change, reason in [*oddities.SONGS, *((change, None) for change in oddities.SONGS_KEPT)]:
            for _ in range(max(1, len(slots) // 400)):
                version = clean.pop()[0]
                version.body, version.reason = oddities.changed(version.body, change), reason
        slots += [copy.deepcopy(clean.pop()) for _ in range(max(1, len(slots) // 500))]  # existing rows twice

    # -- users ------------------------------------------------------------------------------------------------------

    @cached_property
    def users(self) -> list[Slot]:
        """The accounts as ``/users`` sends them."""
        rng = self._random("users")
        count = self._count(5_000)
        people = People(self.seed)
        slots = [[Version(arrival(n, count), self._user(rng, people, arrival(n, count)))] for n in range(count)]
        settled = some(rng, [slot for slot in slots if slot[0].day == 0], len(slots))
        for number in range(max(3, count // 100)):  # moved house
            slot = settled.pop()
            slot.append(Version(1 + number % (DAYS - 1), slot[0].body | {"user_location": people.place(rng)}))
        self._spoil_users(rng, slots, settled)
        return slots

    def _user(self, rng: random.Random, people: People, day: int) -> dict[str, Any]:
        return {
            "user_id": new_uuid(rng),
            "user_name": people.first(rng),
            "user_lastname": people.last(rng),
            "user_location": people.place(rng),
            "user_since": moment(rng, day, spread=30 if day == 0 else 0),
        }

    def _spoil_users(self, rng: random.Random, slots: list[Slot], clean: list[Slot]) -> None:
        for change, reason in [*oddities.USERS, *((change, None) for change in oddities.USERS_KEPT)]:
            for _ in range(max(1, len(slots) // 1000)):
                version = clean.pop()[0]
                version.body, version.reason = oddities.changed(version.body, change), reason
        again = [copy.deepcopy(clean.pop()) for _ in range(max(1, len(slots) // 500))]
        newer = [copy.deepcopy(clean.pop()) for _ in range(max(1, len(slots) // 500))]
        for slot in newer:  # the same account twice in one answer with different content: the last one counts
            slot[0].body["user_lastname"] += "-Newer"
        slots += again + newer

    # -- sessions ---------------------------------------------------------------------------------------------------

    @cached_property
    def sessions(self) -> list[Slot]:
        """The sessions as ``/sessions`` sends them."""
        rng = self._random("sessions")
        count = self._count(100_000)
        shop = Shop(self, rng)
        slots = []
        for number in range(count):
            day = arrival(number, count)
            late = 1 + int(5 * rng.random()) if day and rng.random() < 0.08 else 0
            start = moment(rng, day, spread=30) if day == 0 else moment(rng, day - late, spread=0)
            body = shop.session(rng, day, start)
            slots.append([Version(day, body, items=[None] * len(body["session_items"]))])
        clean = some(rng, slots, len(slots))
        self._correct_sessions(rng, shop, clean)
        self._spoil_sessions(rng, slots, clean)
        return slots

    def _correct_sessions(self, rng: random.Random, shop: Shop, clean: list[Slot]) -> None:
        """Sessions of the last days that come again: another price, an item less, an item more."""
        for day in range(1, DAYS):
            oldest = (day_of(day) - timedelta(days=5)).isoformat()
            recent = [s for s in clean[-20_000:] if s[0].day < day and s[0].body["session_start_time"] >= oldest]
            chosen = recent[: max(3, len(clean) // 1000)]
            taken_out = {id(slot) for slot in chosen}
            clean[:] = [slot for slot in clean if id(slot) not in taken_out]
            for slot in chosen:
                body = copy.deepcopy(slot[0].body)
                body["session_items"][0]["price"] = 0.99 if body["session_items"][0]["price"] != 0.99 else 0.98
                if len(body["session_items"]) > 1:
                    body["session_items"].pop()
                taken = {item["song_id"] for item in slot[0].body["session_items"]}
                body["session_items"] += [i for i in [shop.item(rng, day)] if i["song_id"] not in taken]
                slot.append(Version(day, body, items=[None] * len(body["session_items"])))

    def _spoil_sessions(self, rng: random.Random, slots: list[Slot], clean: list[Slot]) -> None:
        each = max(1, len(slots) // 2000)
        for change, name, rule in oddities.SESSIONS:
            for _ in range(each):
                version = clean.pop()[0]
                version.body, version.reason = version.body | change, ("sessions", name, rule)
                version.items = _rejected_items(version.body["session_items"], name, rule)
        for change in oddities.SESSIONS_KEPT:
            for _ in range(each):
                clean.pop()[0].body |= change
        for item_change, name, rule in oddities.ITEMS:
            for _ in range(2 * each):
                version = clean.pop()[0]
                place = int(len(version.items) * rng.random())
                items = version.body["session_items"]
                items[place] = None if item_change is None else items[place] | item_change
                version.items[place] = ("session_items", name, rule)
        for item_change in oddities.ITEMS_KEPT:
            for _ in range(each):
                clean.pop()[0].body["session_items"][0] |= item_change
        for _ in range(each):
            version = clean.pop()[0]
            version.body, version.items = version.body | {"session_items": []}, []
            version = clean.pop()[0]  # the same track twice: the last one counts
            first = version.body["session_items"][0]
            version.body["session_items"].append(first | {"price": 1.11})
            version.items.append(None)
            slots.append([Version(0, "not an object", ("sessions", "", "model_type"))])
            slots.append(copy.deepcopy(clean.pop()))


def _rejected_items(items: Any, name: str, rule: str) -> list[Reason | None]:
    """Why the items of a rejected session are rejected: what is not a list makes one row, null makes none."""
    rows = len(items) if isinstance(items, list) else int(items is not None)
    if rule == "unrepresentable":  # Pydantic takes such a time: nothing is wrong with an item but its session
        return [("session_items", "", "parent_rejected")] * rows
    return [("session_items", name, rule)] * rows
