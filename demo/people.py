"""The random user API as randomuser.me v1.4 answers it: people who sign up, some of them again, some of them wrong."""

from __future__ import annotations

import copy
import random
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Any

from .records import Reason, Token, day_of, json_text, new_uuid, pick

Row = tuple[Any, ...]
Person = dict[str, Any]
Record = tuple[Person, Reason | None]  # as sent, and why a correct pipeline rejects it

READ_AT = time(23, 30)
COUNTRIES: dict[str, tuple[str, str, list[str], list[str], list[str]]] = {  # nat: country, state, cities, names
    "DE": ("Germany", "Bayern", ["München", "Fürth", "Köln"], ["Jürgen", "Annika", "Käthe"], ["Groß", "Müller"]),
    "FR": ("France", "Rhône", ["Lyon", "Nîmes", "Orléans"], ["Zoé", "Léonie", "Noël"], ["Lefèvre", "D'Aubigné"]),
    "ES": ("Spain", "Aragón", ["Zaragoza", "Cádiz", "A Coruña"], ["Íñigo", "Begoña", "José"], ["Núñez", "Peña"]),
    "TR": ("Turkey", "Muğla", ["İzmir", "Şanlıurfa", "Eskişehir"], ["Çağla", "Oğuz", "Işık"], ["Yıldırım", "Öztürk"]),
    "CA": ("Canada", "Ontario", ["Ottawa", "Trois-Rivières", "St. John's"], ["Liam", "Chloé"], ["Tremblay", "O'Neil"]),
    "US": ("United States", "Maine", ["Bath", "Portland", "Bangor"], ["Mary Ann", "Leo"], ["Stone", "Van der Berg"]),
    "IR": ("Iran", "تهران", ["تهران", "شیراز", "تبریز"], ["آرش", "مریم"], ["کریمی", "حسینی"]),
}
CUT = Token('"cut \\ud83d"')
QUIET_DAY = 2
"""A day on which nobody has signed up when the API is asked first: it answers 204, without a body."""
Change = tuple[str, Any]  # where in a person, and the value there; MISSING: nothing
MISSING = object()
SPOILS: list[tuple[Change, Reason]] = [
    (("login.uuid", MISSING), ("users", "person_id", "missing")),
    (("email", None), ("users", "email", "string_type")),
    (("name.first", ""), ("users", "first_name", "string_too_short")),
    (("name.last", CUT), ("users", "last_name", "string_unicode")),
    (("registered.date", "soon"), ("users", "registered_at", "datetime_from_date_parsing")),
    (("registered.date", "0001-01-01T00:00:00+01:00"), ("users", "registered_at", "unrepresentable")),
    (("registered.date", 1580428800), ("users", "registered_at", "time_from_number")),
    (("location.postcode", Token("12345678901234567890123")), ("users", "postcode", "string_too_long")),
]
KEPT: list[Change] = [  # which a program may take for broken, or change
    ("location.postcode", 2**63),
    ("location.postcode", Token("1234.50")),
    ("registered.date", "2020-01-31T20:00:00+05:30"),
    ("location.coordinates.latitude", Token("NaN")),
    ("picture.large", CUT),
]


class RandomUsers:
    """The API of one (seed, scale); scale 1 is 100 people in an answer."""

    def __init__(self, seed: int = 7, scale: float = 1) -> None:
        self.seed, self.scale = seed, scale
        self._answers: dict[tuple[int, int], list[Record]] = {}

    def answer(self, day: int, call: int) -> bytes:
        """What the API answers to the request with this number (from 0) on a virtual day; empty when nobody signed up."""
        people = [person for person, _ in self._records(day, call)]
        info = {"seed": f"{self.seed:08x}{day:04x}{call:04x}", "results": len(people), "page": 1, "version": "1.4"}
        return json_text({"results": people, "info": info}) if people else b""

    def expected(self, day: int) -> list[tuple[str, str, list[Row]]]:
        """(what, query of the published gold, its rows in order) after one call each evening up to `day`."""
        people: dict[str, Person] = {}
        for now in range(day + 1):
            people |= {p["login"]["uuid"]: p for p, reason in self._records(now, 0) if reason is None}
        rows = [_row(person) for person in people.values()]
        minutes = Counter(row[-1].replace(second=0, microsecond=0) for row in rows)
        columns = "person_id, first_name, last_name, city, country, postcode, nat, registered_at"
        return [
            ("people", f"SELECT {columns} FROM people.dim_people", sorted(rows)),
            ("signups", "SELECT minute, signups FROM people.signups_per_minute", sorted(minutes.items())),
        ]

    def rejected(self, day: int) -> Counter[Reason]:
        """How many rows each (table, field, rule) rejects over all days so far, with one call each evening."""
        return Counter(reason for now in range(day + 1) for _, reason in self._records(now, 0) if reason)

    def _records(self, day: int, call: int) -> list[Record]:
        if (day, call) not in self._answers:
            self._answers[day, call] = self._make(day, call)
        return self._answers[day, call]

    def _make(self, day: int, call: int) -> list[Record]:
        if (day, call) == (QUIET_DAY, 0):
            return []
        rng = random.Random(f"{self.seed}/{self.scale}/people/{day}/{call}")
        count = max(int(100 * self.scale), 20)
        each = max(1, count // 100)
        spoils = self._spoils(day, call)
        again = self._again(rng, day, max(1, count // 20)) if day else []
        read = datetime.combine(day_of(day), READ_AT)
        minutes = [read - timedelta(minutes=2 + int(230 * rng.random())) for _ in range(max(2, count // 4))]
        fresh = count - len(again) - each * (len(spoils) + len(KEPT)) - 1
        records: list[Record] = [(_person(rng, minutes), None) for _ in range(fresh)]
        records.append(copy.deepcopy(records[0]))  # the same record twice
        records += again
        odd = [*spoils, *((change, None) for change in KEPT)]
        records += [(_changed(_person(rng, minutes), *change), reason) for change, reason in odd for _ in range(each)]
        rng.shuffle(records)
        return records

    def _spoils(self, day: int, call: int) -> list[tuple[Change, Reason]]:
        """Three kinds of fault, so that answers of a few people stay under the limit; the days together have all."""
        first = 3 * (day - (day > QUIET_DAY) + call)
        return [SPOILS[number % len(SPOILS)] for number in range(first, first + 3)]

    def _again(self, rng: random.Random, day: int, count: int) -> list[Record]:
        """People of the first calls of earlier days, who have moved since."""
        earlier = [p for now in range(day) for p, reason in self._records(now, 0) if reason is None]
        latest = list({person["login"]["uuid"]: person for person in earlier}.values())
        moved = copy.deepcopy(rng.sample(latest, count))
        for person in moved:
            place = person["location"]
            place["city"] = pick(rng, [city for city in COUNTRIES[person["nat"]][2] if city != place["city"]])
        return [(person, None) for person in moved]


def _person(rng: random.Random, minutes: list[datetime]) -> Person:
    """Somebody new, with everything the API tells."""
    nat = pick(rng, list(COUNTRIES))
    country, state, cities, firsts, lasts = COUNTRIES[nat]
    first, last, number = pick(rng, firsts), pick(rng, lasts), int(99 * rng.random())
    registered = pick(rng, minutes).replace(second=int(60 * rng.random()))
    portrait = f"https://randomuser.me/api/portraits/{{}}lego/{number % 10}.jpg"
    return {
        "gender": pick(rng, ["female", "male"]),
        "name": {"title": pick(rng, ["Ms", "Mr", "Mrs"]), "first": first, "last": last},
        "location": {
            "street": {
                "number": 1 + int(9999 * rng.random()),
                "name": pick(rng, ["Rue de l'Église", "Main St", "Allee"]),
            },
            "city": pick(rng, cities),
            "state": state,
            "country": country,
            "postcode": _postcode(rng, nat),
            "coordinates": {
                "latitude": f"{180 * rng.random() - 90:.4f}",
                "longitude": f"{360 * rng.random() - 180:.4f}",
            },
            "timezone": {"offset": "+8:00", "description": "Beijing, Perth, Singapore, Hong Kong"},
        },
        "email": f"person.{rng.getrandbits(40):x}@example.com",
        "login": {
            "uuid": new_uuid(rng),
            "username": f"bluelion{number}",
            "password": pick(rng, ["chipper", "letmein", "sharky"]),
            "salt": f"{rng.getrandbits(32):08x}",
            "md5": f"{rng.getrandbits(128):032x}",
            "sha1": f"{rng.getrandbits(160):040x}",
            "sha256": f"{rng.getrandbits(256):064x}",
        },
        "dob": {"date": f"{1950 + number % 50}-04-02T04:25:40.937Z", "age": 70 - number % 50},
        "registered": {"date": f"{registered:%Y-%m-%dT%H:%M:%S}.{int(1000 * rng.random()):03d}Z", "age": 0},
        "phone": f"0155-{rng.getrandbits(20):07d}",
        "cell": f"0170-{rng.getrandbits(20):07d}",
        "id": {"name": "", "value": None} if rng.random() < 0.3 else {"name": "SSN", "value": f"{number:03d}-55-1234"},
        "picture": {size: portrait.format(path) for size, path in [("large", ""), ("medium", "med/")]}
        | {"thumbnail": portrait.format("thumb/")},
        "nat": nat,
    }


def _postcode(rng: random.Random, nat: str) -> int | str:
    """A number in most countries, a text in some, one with a leading zero in a few."""
    if nat == "CA":
        return f"K{int(10 * rng.random())}A {int(10 * rng.random())}B6"
    if nat == "ES":
        return f"0{1000 + int(8999 * rng.random())}"
    return 10_000 + int(89_999 * rng.random())


def _changed(person: Person, where: str, value: Any) -> Person:
    """The person with another value at a place."""
    *parents, name = where.split(".")
    part = person
    for parent in parents:
        part = part[parent]
    if value is MISSING:
        del part[name]
    else:
        part[name] = value
    return person


def _row(person: Person) -> Row:
    """The person as the dimension must hold them."""
    name, place = person["name"], person["location"]
    registered = datetime.fromisoformat(person["registered"]["date"]).astimezone(UTC).replace(tzinfo=None)
    identity = (person["login"]["uuid"], name["first"], name["last"])
    return (*identity, place["city"], place["country"], str(place["postcode"]), person["nat"], registered)
