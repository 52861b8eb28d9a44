"""Who buys what in the demo: people as Faker makes them, and a shop whose shelves change by the day."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from .records import DAYS, code, new_uuid, pick, title

if TYPE_CHECKING:
    from .deftunes import DefTunes


class Shop:
    """Who can buy what on a day: mostly what is known by then, sometimes what is not (yet)."""

    def __init__(self, world: DefTunes, rng: random.Random) -> None:
        good = [s[0] for s in world.users if s[0].reason is None]
        self.users = [[v.body["user_id"] for v in good if v.day <= day] for day in range(DAYS)]
        self.later = [v.body["user_id"] for v in good if v.day == DAYS - 1]
        self.strangers = [new_uuid(rng) for _ in range(max(3, len(good) // 100))]
        songs = [s[0] for s in world.songs if s[0].reason is None]
        self.tracks = [[v.body for v in songs if v.day <= day] for day in range(DAYS)]
        self.coming = [v.body for v in songs if v.day == DAYS - 1]
        known = [pick(rng, self.tracks[0]) for _ in range(max(3, len(songs) // 200))]
        self.missing = [body | {"track_id": code(rng, "TR"), "title": title(rng)} for body in known]
        for body in self.missing[::2]:
            body |= {"artist_id": code(rng, "AR"), "artist_name": f"Unlisted {int(1e4 * rng.random())}"}

    def session(self, rng: random.Random, day: int, start: str) -> dict[str, Any]:
        """A session that arrives on a day, with one to six purchases."""
        dice = rng.random()
        pool = self.strangers if dice < 0.01 else self.later if dice < 0.015 else self.users[day]
        items: dict[str, dict[str, Any]] = {}
        for _ in range(1 + int(5.6 * rng.random())):
            item = self.item(rng, day)
            items[item["song_id"]] = item
        return {
            "user_id": pool[int(len(pool) * rng.random() ** 1.5)],
            "session_id": new_uuid(rng),
            "session_items": list(items.values()),
            "user_agent": None
            if rng.random() < 0.01
            else f"Mozilla/5.0 (X11; Linux x86_64) Millrace/{int(rng.random() * 90)}.0",
            "session_start_time": start,
        }

    def item(self, rng: random.Random, day: int) -> dict[str, Any]:
        """A purchase."""
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


class People:
    """Names and places as the course's own API has them: Faker's."""

    def __init__(self, seed: int) -> None:
        from faker import Faker

        fake = Faker(["en_US", "fr_FR", "es_ES"])
        fake.seed_instance(seed)
        self.firsts = [fake.first_name() for _ in range(200)] + ["Zoë", "O'Neil", "李"]
        self.lasts = [fake.last_name() for _ in range(300)] + ["Núñez, Jr.", "D'Angelo"]
        self.places = [list(fake["en_US"].location_on_land()) for _ in range(300)]

    def first(self, rng: random.Random) -> str:
        """A given name."""
        return str(pick(rng, self.firsts))

    def last(self, rng: random.Random) -> str:
        """A family name."""
        return str(pick(rng, self.lasts))

    def place(self, rng: random.Random) -> list[str]:
        """Latitude, longitude, town, country and time zone."""
        return list(self.places[int(len(self.places) * rng.random() ** 2)])
