"""DeFtunes as its two systems would be: accounts, sessions and a song catalogue over a few virtual days.

Everything follows from (seed, scale). A record is a slot with versions: the version of the newest day reached is what
the system answers. Dirty versions carry the verdict a correct pipeline must reach, so that the oracle need not ask one.
"""

from __future__ import annotations

import copy
import random
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

FIRST_DAY, START = date(2020, 1, 31), date(2020, 1, 1)
DAYS = 4  # day 0 is FIRST_DAY with all of January; each later day brings about 3 % more
SHARE = 0.03
Reason = tuple[str, str, str]  # (table, field, rule)

_WORDS = [
    "Blue",
    "Night",
    "River",
    "Ghost",
    "Electric",
    "Heart",
    "Sing",
    "Love",
    "Ocean",
    "Paper",
    "Tiger",
    "Golden",
    "Road",
    "Static",
    "Moon",
    "Summer",
]
_ODD = [
    "Världen É Din",
    'Say "Yes"',
    "One, Two, Three",
    "Line\nBreak",
    "Party 🎉",
    "Niño's Song",
    "100% / 50%",
    "東京の夜",
]


def day_of(number: int) -> date:
    """The calendar day of a virtual day, 0 to ``DAYS - 1``."""
    return FIRST_DAY + timedelta(days=number)


@dataclass
class Version:
    """What a record says from a day on.

    Attributes:
        day: the virtual day it appears.
        body: the record as sent; None: the record is gone.
        reason: why a correct pipeline rejects it; None: it accepts it.
        items: for a session: per item, why it is rejected or None.
    """

    day: int
    body: Any
    reason: Reason | None = None
    items: list[Reason | None] = field(default_factory=list)


Slot = list[Version]


def current(slot: Slot, day: int) -> Version | None:
    """The version of a record that its system answers with on a day."""
    found = [version for version in slot if version.day <= day]
    return found[-1] if found and found[-1].body is not None else None


class DefTunes:
    """Both systems of one (seed, scale); scale 1 is 5,000 users, 10,000 songs and 100,000 sessions."""

    def __init__(self, seed: int = 7, scale: float = 1) -> None:
        self.seed, self.scale = seed, scale

    def _random(self, part: str) -> random.Random:
        return random.Random(f"{self.seed}/{self.scale}/{part}")

    def _count(self, at_scale_1: int) -> int:
        return max(int(at_scale_1 * self.scale), 40)

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
            slots.append([Version(_arrival(number, count), self._song(rng, artist))])
        self._change_songs(rng, slots)
        self._spoil_songs(rng, slots)
        return slots

    def _artist(self, rng: random.Random) -> tuple[str, list[str], list[str | None]]:
        """(id, its names, its MusicBrainz ids): some have several of each, some no id."""
        name = f"{_pick(rng, _WORDS)} {_pick(rng, _WORDS)} {int(rng.random() * 1000)}"
        names = [name, f"{name} feat. {_pick(rng, _WORDS)}"] if rng.random() < 0.08 else [name]
        mbids: list[str | None] = [None] if rng.random() < 0.15 else [_uuid(rng)]
        return _code(rng, "AR"), names, [*mbids, _uuid(rng)] if rng.random() < 0.06 else mbids

    def _song(self, rng: random.Random, artist: tuple[str, list[str], list[str | None]]) -> dict[str, Any]:
        return {
            "track_id": _code(rng, "TR"),
            "title": None if rng.random() < 0.004 else _title(rng),
            "song_id": _code(rng, "SO"),
            "release": _title(rng),
            "artist_id": artist[0],
            "artist_mbid": _pick(rng, artist[2]),
            "artist_name": _pick(rng, artist[1]),
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
        for number, slot in enumerate(_some(rng, settled, max(6, len(slots) // 200))):
            body = slot[0].body
            day = 1 + number % (DAYS - 1)
            if number < 2:
                slot.append(Version(day, None))
            elif number % 3 == 0:
                slot.append(Version(day, body | {"artist_name": body["artist_name"] + " (remastered)"}))
            else:
                slot.append(Version(day, body | {"title": _title(rng), "year": 1999}))

    def _spoil_songs(self, rng: random.Random, slots: list[Slot]) -> None:
        spoils: list[tuple[dict[str, Any], Reason]] = [
            ({"track_id": None}, ("songs", "track_id", "string_type")),
            ({"track_id": "TR123"}, ("songs", "track_id", "string_pattern_mismatch")),
            ({"song_id": None}, ("songs", "song_id", "string_type")),
            ({"artist_id": None}, ("songs", "artist_id", "string_type")),
            ({"duration": -1.5}, ("songs", "duration", "greater_than_equal")),
            ({"year": 20055}, ("songs", "year", "less_than_equal")),
        ]
        clean = _some(rng, [slot for slot in slots if len(slot) == 1], len(slots))
        for change, reason in spoils:
            for _ in range(max(1, len(slots) // 400)):
                version = clean.pop()[0]
                version.body, version.reason = version.body | change, reason
        slots += [copy.deepcopy(clean.pop()) for _ in range(max(1, len(slots) // 500))]  # rows that are there twice

    # -- users ------------------------------------------------------------------------------------------------------

    @cached_property
    def users(self) -> list[Slot]:
        """The accounts as ``/users`` sends them."""
        rng = self._random("users")
        count = self._count(5_000)
        people = _People(self.seed)
        slots = [[Version(_arrival(n, count), self._user(rng, people, _arrival(n, count)))] for n in range(count)]
        settled = _some(rng, [slot for slot in slots if slot[0].day == 0], len(slots))
        for number in range(max(3, count // 100)):  # moved house
            slot = settled.pop()
            slot.append(Version(1 + number % (DAYS - 1), slot[0].body | {"user_location": people.place(rng)}))
        self._spoil_users(rng, slots, settled)
        return slots

    def _user(self, rng: random.Random, people: _People, day: int) -> dict[str, Any]:
        return {
            "user_id": _uuid(rng),
            "user_name": people.first(rng),
            "user_lastname": people.last(rng),
            "user_location": people.place(rng),
            "user_since": _moment(rng, day, spread=30 if day == 0 else 0),
        }

    def _spoil_users(self, rng: random.Random, slots: list[Slot], clean: list[Slot]) -> None:
        def spoiled(body: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
            return body | {k: v(body[k]) if callable(v) else v for k, v in change.items()}

        spoils: list[tuple[dict[str, Any], Reason]] = [
            ({"user_id": None}, ("users", "user_id", "string_type")),
            ({"user_id": "not-a-uuid"}, ("users", "user_id", "string_pattern_mismatch")),
            ({"user_lastname": None}, ("users", "user_lastname", "string_type")),
            ({"user_name": ""}, ("users", "user_name", "string_too_short")),
            ({"user_location": None}, ("users", "latitude", "missing")),
            ({"user_location": lambda place: place[:3]}, ("users", "country_code", "missing")),
            ({"user_location": lambda place: ["123.4", *place[1:]]}, ("users", "latitude", "less_than_equal")),
            (
                {"user_location": lambda place: [*place[:3], "usa", place[4]]},
                ("users", "country_code", "string_too_long"),
            ),
            ({"user_since": None}, ("users", "user_since", "datetime_type")),
            ({"user_since": "not-a-date"}, ("users", "user_since", "datetime_from_date_parsing")),
        ]
        for change, reason in spoils:
            for _ in range(max(1, len(slots) // 1000)):
                version = clean.pop()[0]
                version.body, version.reason = spoiled(version.body, change), reason
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
        shop = _Shop(self, rng)
        slots = []
        for number in range(count):
            day = _arrival(number, count)
            late = 1 + int(5 * rng.random()) if day and rng.random() < 0.08 else 0
            start = _moment(rng, day, spread=30) if day == 0 else _moment(rng, day - late, spread=0)
            body = shop.session(rng, day, start)
            slots.append([Version(day, body, items=[None] * len(body["session_items"]))])
        clean = _some(rng, slots, len(slots))
        self._correct_sessions(rng, shop, clean)
        self._spoil_sessions(rng, slots, clean)
        return slots

    def _correct_sessions(self, rng: random.Random, shop: _Shop, clean: list[Slot]) -> None:
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
        whole: list[tuple[dict[str, Any], str, str]] = [
            ({"session_id": None}, "session_id", "string_type"),
            ({"session_id": "0000"}, "session_id", "string_pattern_mismatch"),
            ({"user_id": None}, "user_id", "string_type"),
            ({"user_id": "someone"}, "user_id", "string_pattern_mismatch"),
            ({"session_start_time": None}, "session_start_time", "datetime_type"),
            ({"session_start_time": "yesterday"}, "session_start_time", "datetime_from_date_parsing"),
            ({"session_items": None}, "session_items", "list_type"),
        ]
        each = max(1, len(slots) // 2000)
        for change, name, rule in whole:
            for _ in range(each):
                version = clean.pop()[0]
                version.body, version.reason = version.body | change, ("sessions", name, rule)
                same = ("session_items", name, rule)
                version.items = [same] * len(version.items) if version.body["session_items"] else []
        for change, name, rule in _ITEM_SPOILS:
            for _ in range(2 * each):
                version = clean.pop()[0]
                place = int(len(version.items) * rng.random())
                version.body["session_items"][place] |= change
                version.items[place] = ("session_items", name, rule)
        for _ in range(each):
            version = clean.pop()[0]
            version.body, version.items = version.body | {"session_items": []}, []
            version = clean.pop()[0]  # the same track twice: the last one counts
            first = version.body["session_items"][0]
            version.body["session_items"].append(first | {"price": 1.11})
            version.items.append(None)
            slots.append([Version(0, "not an object", ("sessions", "", "model_type"))])
            slots.append(copy.deepcopy(clean.pop()))


_ITEM_SPOILS: list[tuple[dict[str, Any], str, str]] = [
    ({"price": 0}, "price", "greater_than"),
    ({"price": 2.5}, "price", "less_than_equal"),
    ({"price": -1.0}, "price", "greater_than"),
    ({"price": None}, "price", "decimal_type"),
    ({"price": "free"}, "price", "decimal_parsing"),
    ({"currency": "EUR"}, "currency", "literal_error"),
    ({"currency": None}, "currency", "literal_error"),
    ({"song_id": None}, "song_id", "string_type"),
    ({"song_id": "TRABC"}, "song_id", "string_pattern_mismatch"),
    ({"artist_id": None}, "artist_id", "string_type"),
    ({"liked": None}, "liked", "bool_type"),
]


class _Shop:
    """Who can buy what on a day: mostly what is known by then, sometimes what is not (yet)."""

    def __init__(self, world: DefTunes, rng: random.Random) -> None:
        good = [s[0] for s in world.users if s[0].reason is None]
        self.users = [[v.body["user_id"] for v in good if v.day <= day] for day in range(DAYS)]
        self.later = [v.body["user_id"] for v in good if v.day == DAYS - 1]
        self.strangers = [_uuid(rng) for _ in range(max(3, len(good) // 100))]
        songs = [s[0] for s in world.songs if s[0].reason is None]
        self.tracks = [[v.body for v in songs if v.day <= day] for day in range(DAYS)]
        self.coming = [v.body for v in songs if v.day == DAYS - 1]
        known = [_pick(rng, self.tracks[0]) for _ in range(max(3, len(songs) // 200))]
        self.missing = [body | {"track_id": _code(rng, "TR"), "title": _title(rng)} for body in known]
        for body in self.missing[::2]:
            body |= {"artist_id": _code(rng, "AR"), "artist_name": f"Unlisted {int(1e4 * rng.random())}"}

    def session(self, rng: random.Random, day: int, start: str) -> dict[str, Any]:
        dice = rng.random()
        pool = self.strangers if dice < 0.01 else self.later if dice < 0.015 else self.users[day]
        items: dict[str, dict[str, Any]] = {}
        for _ in range(1 + int(5.6 * rng.random())):
            item = self.item(rng, day)
            items[item["song_id"]] = item
        return {
            "user_id": pool[int(len(pool) * rng.random() ** 1.5)],
            "session_id": _uuid(rng),
            "session_items": list(items.values()),
            "user_agent": None
            if rng.random() < 0.01
            else f"Mozilla/5.0 (X11; Linux x86_64) Millrace/{int(rng.random() * 90)}.0",
            "session_start_time": start,
        }

    def item(self, rng: random.Random, day: int) -> dict[str, Any]:
        dice = rng.random()
        pool = self.missing if dice < 0.015 else self.coming if dice < 0.018 else self.tracks[day]
        song = pool[int(len(pool) * rng.random() ** 2)]
        liked = rng.random() < 0.4
        return {
            "song_id": song["track_id"],
            "song_name": song["title"] or "Untitled",
            "artist_id": song["artist_id"],
            "artist_name": song["artist_name"],
            "price": (50 + int(150 * rng.random())) / 100,
            "currency": "USD",
            "liked": liked,
            "liked_since": f"2023-0{1 + int(9 * rng.random())}-15T08:29:54.970697" if liked else None,
        }


class _People:
    """Names and places as the course's own API has them: Faker's."""

    def __init__(self, seed: int) -> None:
        from faker import Faker

        fake = Faker(["en_US", "fr_FR", "es_ES"])
        fake.seed_instance(seed)
        self.firsts = [fake.first_name() for _ in range(200)] + ["Zoë", "O'Neil", "李"]
        self.lasts = [fake.last_name() for _ in range(300)] + ["Núñez, Jr.", "D'Angelo"]
        self.places = [list(fake["en_US"].location_on_land()) for _ in range(300)]

    def first(self, rng: random.Random) -> str:
        return str(_pick(rng, self.firsts))

    def last(self, rng: random.Random) -> str:
        return str(_pick(rng, self.lasts))

    def place(self, rng: random.Random) -> list[str]:
        return list(self.places[int(len(self.places) * rng.random() ** 2)])


def _arrival(number: int, count: int) -> int:
    """The virtual day the record with this number arrives: the last ones arrive on the later days."""
    later = count - number
    per_day = max(int(count * SHARE), 5)
    return max(0, DAYS - 1 - (later - 1) // per_day)


def _moment(rng: random.Random, day: int, spread: int) -> str:
    """An ISO timestamp with microseconds and no zone, on the day or up to `spread` days before."""
    base = datetime.combine(day_of(day) - timedelta(days=int((spread + 1) * rng.random())), datetime.min.time())
    moment = base + timedelta(microseconds=int(86_399e6 * rng.random()))
    return moment.isoformat(timespec="microseconds")


def _some(rng: random.Random, slots: list[Slot], count: int) -> list[Slot]:
    """Up to `count` of the slots in random order."""
    order = sorted(range(len(slots)), key=[rng.random() for _ in slots].__getitem__)
    return [slots[place] for place in order[:count]]


def _pick(rng: random.Random, values: Any) -> Any:
    return values[int(len(values) * rng.random())]


def _code(rng: random.Random, prefix: str) -> str:
    return f"{prefix}{rng.getrandbits(64):016X}"


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128)))


def _title(rng: random.Random) -> str:
    if rng.random() < 0.02:
        return str(_pick(rng, _ODD))
    return f"{_pick(rng, _WORDS)} {_pick(rng, _WORDS)} {int(100 * rng.random())}"
