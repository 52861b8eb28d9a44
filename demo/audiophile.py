"""The rankings site as it serves its two pages: a hand-kept table of headphones and one of in-ear monitors.

A row is made with what it says and with what that means, so that the oracle need not read the cells. Ranks, prices and
rows change between the days; some rows never were right.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from . import audiophile_oracle, audiophile_page
from .audiophile_oracle import Row
from .audiophile_page import GRADES
from .records import DAYS, Reason, day_of, pick

Name = Literal["headphones", "iems"]

UNKNOWN = 99_999
MOVED_DAY = DAYS - 1
"""From this day on the columns of the pages stand in another order."""
TWO_WORDS = ["Audio Technica", "Campfire Audio", "64 Audio", "Unique Melody"]
COMPANIES = [
    *TWO_WORDS,
    "Zephyr",
    "Kanto",
    "Ørsted",
    "B&K",
    "Lumen",
    "Tessel",
    "Halcyon",
    "qvb",
    "Audio-Nord",
    "Marrow Works",  # in no list of companies: all of its models say so
]
SERIES = ["SR", "Diana", "Aria", "M", "Clear & Loud", "HE", "Señal", "Monitor"]
SIGNATURES = ["V-shaped", "Neutral", "Balanced", "Warm neutral", "Bassy", "Neutral with bass boost", "Variable"]
FITS = ["Open Circumaural", "Closed Circumaural", "Open Supra-aural", "Earspeaker"]
SETUPS = {
    "headphones": ["Dynamic", "Dynamic", "Dynamic", "Planar", "Electrostatic", "Electret", "AMT"],
    "iems": ["DD", "BA", "2EST 4BA 1DD", "Planar", "12BA", "1BA 2DD", "8/10BA"],
}


@dataclass(frozen=True)
class Price:
    """What a price cell says, line by line, with its hidden sort column, and what the two mean."""

    lines: tuple[str, ...]
    sort: int
    amount: int | None
    status: str = "listed"
    note: str | None = None
    bundle: int | None = None
    told: bool = True  # whether the text itself tells an amount

    @property
    def disagrees(self) -> bool:
        """Whether the sort column knows another amount than the text."""
        return self.told and self.sort != UNKNOWN and self.sort != (self.bundle or self.amount)


@dataclass(frozen=True)
class Product:
    """A row of a page; `reason`: the field and rule a correct pipeline rejects it for."""

    company: str
    model: tuple[str, ...]  # its lines
    rank: str
    price: Price
    stars: int
    signature: str
    comment: str
    tone: str
    technical: str
    setup: str
    fit: str | None
    based_on: str
    weight: str
    look: int  # how its cells are written
    reason: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """The model as one line."""
        return " / ".join(self.model)

    @property
    def halves(self) -> int:
        """What its rank is worth in halves: S+ 40, each next grade one less."""
        return 40 - GRADES.index(self.rank)


class Rankings:
    """The site of one (seed, scale); scale 1 is 220 headphones and 1,000 in-ear monitors."""

    def __init__(self, seed: int = 7, scale: float = 1) -> None:
        self.seed, self.scale = seed, scale

    def page(self, name: Name, day: int) -> bytes:
        """The whole page as it is served on a virtual day."""
        changed = day_of(1 if day == 2 else day)
        return audiophile_page.page(name, self._days[name][day], changed, moved=day >= MOVED_DAY)

    def expected(self, day: int) -> list[tuple[str, str, list[Row]]]:
        """(what, query of the published gold, its rows in order) after a run every evening up to `day`."""
        return audiophile_oracle.expected(self._days, day)

    def rejected(self, day: int) -> Counter[Reason]:
        """How many rows each (table, field, rule) rejects over all days so far: they are there from the first day on, and
        land once more when the columns have moved.
        """
        return audiophile_oracle.rejected(self._days, day, times=1 + (day >= MOVED_DAY))

    # -- what is on the pages ---------------------------------------------------------------------------------------

    @cached_property
    def _days(self) -> dict[Name, list[list[Product]]]:
        return {"headphones": self._page_days("headphones", 220, 150), "iems": self._page_days("iems", 1_000, 150)}

    def _page_days(self, name: Name, at_scale_1: int, least: int) -> list[list[Product]]:
        """The rows of the page on each day."""
        rng = random.Random(f"{self.seed}/{self.scale}/{name}")
        count = max(int(at_scale_1 * self.scale), least)
        products = [_product(rng, name, number) for number in range(count)]
        dirty = _dirty([_product(rng, name, count + number) for number in range(max(1, count // 150) * 6)])
        new = _product(rng, name, 2 * count)
        few = max(2, count // 50)
        later = [dict(enumerate(products))]
        for day in range(1, DAYS):
            today = dict(later[-1])
            if day == 1:
                _revise(rng, today, few)
                del today[4]
                today[count] = new
            elif day == 3:
                today[4] = products[4]
                old = today[5 * few + 6]
                gone = Price(("Discontinued",), 1_234, 1_234, "discontinued", told=False)
                today[5 * few + 6] = replace(old, price=gone)
            later.append(today)
        order = [*GRADES, "Q", ""].index
        return [sorted([*today.values(), *dirty], key=lambda product: order(product.rank)) for today in later]


def _revise(rng: random.Random, today: dict[int, Product], few: int) -> None:
    """Another rank, another price, both, and another comment only."""
    for number in range(5, 5 + few * 4):
        old = today[number]
        change: dict[str, Any] = {}
        if number % 4 in (0, 2):
            change["rank"] = pick(rng, [grade for grade in GRADES if grade != old.rank])
        if number % 4 in (1, 2):
            amount = (old.price.amount or 100) + 35
            change["price"] = Price((str(amount),), amount, amount)
        if number % 4 == 3:
            change["comment"] = "Heard once more, and nothing else to say."
        today[number] = replace(old, **change)


def _dirty(products: list[Product]) -> list[Product]:
    """The products with a rank that is none, no rank, no model, or a price that says no single amount."""
    spoils: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"rank": "Q"}, ("rank_grade", "string_pattern_mismatch")),
        ({"rank": ""}, ("rank_grade", "string_pattern_mismatch")),
        ({"model": ("",)}, ("model", "string_too_short")),
        ({"price": Price(("1,200-1,500",), 1_200, None)}, ("price", "decimal_parsing")),
        ({"price": Price(("1.200.50",), 1_200, None)}, ("price", "decimal_parsing")),
        ({"price": Price(("$1,2345",), 12_345, None)}, ("price", "decimal_parsing")),
    ]
    return [replace(p, **spoils[n % len(spoils)][0], reason=spoils[n % len(spoils)][1]) for n, p in enumerate(products)]


def _product(rng: random.Random, name: Name, number: int) -> Product:
    company, series = pick(rng, COMPANIES), pick(rng, SERIES)
    model: tuple[str, ...] = (f"{company} {series} {number}",)
    if number % 11 == 3:
        model = (*model, f"{company} {series} {number} V2")
    comments = [
        "",
        "Subtle, refined & fast.",
        "Don't expect bass < 40 Hz.",
        'The "reference" of the range, naïve as it is.',
    ]
    return Product(
        company=company,
        model=model,
        rank=GRADES[min(int(rng.gauss(10, 4)) % 21, 20)],
        price=_price(rng, number, 20 + int(3000 * rng.random())),
        stars=pick(rng, [0, 0, 0, 0, 0, 0, 1, 1, 2, 3]),
        signature=SIGNATURES[0] if rng.random() < 0.3 else pick(rng, SIGNATURES),
        comment=pick(rng, comments),
        tone=pick(rng, GRADES),
        technical=pick(rng, GRADES),
        setup=pick(rng, SETUPS[name]),
        fit=pick(rng, FITS) if name == "headphones" else None,
        based_on=pick(rng, ["Third party unit", "Personal unit", "Showfloor & demo unit"]),
        weight="" if name == "headphones" or rng.random() < 0.8 else str(int(9 * rng.random()) - 5),
        look=number,
    )


def _price(rng: random.Random, number: int, amount: int) -> Price:
    """A price of one of the shapes the site has, most of them plain; the first forty products have them all."""
    shape = number % 20
    variant = f"HE{amount % 90}"
    amp = 100 + amount % 900
    dear = 1_000 + amount
    hundreds = dear // 100 * 100
    odd: dict[int, Callable[[], Price]] = {
        0: lambda: Price((f"{amount}({variant})",), amount, amount, note=variant),
        1: lambda: Price(
            (f"{amount}+{amp}(SRM-{variant})",), amount + amp, amount, note=f"SRM-{variant}", bundle=amount + amp
        ),
        2: lambda: Price(
            ("Discontinued", str(amount), f"(Replaced by {variant} Mg)"),
            amount,
            amount,
            "replaced",
            f"Replaced by {variant} Mg",
        ),
        3: lambda: Price(("Discont.",), amount, amount, "discontinued", told=False),
        4: lambda: Price(("Discontinued",), UNKNOWN, None, "discontinued", told=False),
        5: lambda: Price(("?",), UNKNOWN, None, "unknown", told=False),
        6: lambda: Price(("Replaced with TC",), amount, amount, "replaced", "Replaced with TC", told=False),
        7: lambda: Price(("Replaced with TC",), UNKNOWN, None, "replaced", "Replaced with TC", told=False),
        8: lambda: Price((f"{amount} (V2)", f"{amount + 1000} (Phi)"), amount, amount, note="V2; Phi"),
        9: lambda: Price((str(amount),), UNKNOWN, amount),
        10: lambda: Price((str(amount),), amount - 10, amount),
        11: lambda: Price((f"{amount}({variant})",), amount + 150, amount, note=variant),
        12: lambda: Price((f"${dear:,}",), dear, dear),
        13: lambda: Price((f"{dear:,}".replace(",", "\u00a0"),), dear, dear),
        14: lambda: Price((f"EUR {dear:,}".replace(",", "."),), dear, dear, note="in EUR"),
        15: lambda: Price((f"{dear:,}.00",), dear, dear),
        16: lambda: Price((f"{dear:,}.\u2013".replace(",", "\u2019"),), dear, dear),
        17: lambda: Price(
            (f"{dear:,}+{amp}(SRM-{variant})",), dear + amp, dear, note=f"SRM-{variant}", bundle=dear + amp
        ),
        18: lambda: Price((f"{hundreds / 1000:.1f}k",), hundreds, hundreds),
    }
    return (
        odd[shape]() if shape in odd and (number < 40 or rng.random() < 0.4) else Price((str(amount),), amount, amount)
    )
