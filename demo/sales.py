"""The sales system as it drops CSV files: new lines each day, a late batch, a file corrected and one dropped twice."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from . import sales_oracle
from .records import DAYS, Reason, day_of, pick
from .sales_lines import FIRST_SPOILS, SPOILS, Attributes, Line, Timeline, as_csv
from .sales_oracle import Row

LINES = ["Classic Cars", "Vintage Cars", "Motorcycles", "Planes", "Ships", "Trains", "Trucks, Buses"]
STATUSES = ["Shipped"] * 34 + ["Cancelled", "Resolved", "On Hold", "In Process", "In Process", "Disputed"]
PLACES = [
    ("Boston", "USA", "NA"),
    ("San José", "USA", "NA"),
    ("Montréal", "Canada", "NA"),
    ("Vancouver", "Canada", "NA"),
    ("Lyon", "France", "EMEA"),
    ("Nîmes", "France", "EMEA"),
    ("Köln", "Germany", "EMEA"),
    ("Melbourne", "Australia", "APAC"),
    ("Singapore", "Singapore", "APAC"),
    ("Tokyo", "Japan", "Japan"),
]
NAMES = ["Rivet & Sons, Co.", 'The "Little" Wheel', "Toys\nof the North", "Æbler Import", "Signal Gifts", "Mini, Maxi"]
CONTACTS = [("O'Brien", "Zoë"), ("Núñez", "Iñaki"), ("King", "Sue"), ("de la Cruz", "Ana"), ("Tanaka", "Kenji")]


class Sales:
    """The drops of one (seed, scale); scale 1 is 2,800 lines on day 0 and 300 on each later day."""

    def __init__(self, seed: int = 7, scale: float = 1) -> None:
        self.seed, self.scale = seed, scale

    def batches(self, day: int) -> dict[str, bytes]:
        """The files dropped on a virtual day by name."""
        dropped = {name: as_csv(lines) for name, lines in self._drops[day].items()}
        if day == 1:  # somebody's script copies yesterday's file once more
            dropped |= self.batches(0)
        return dropped

    def expected(self, day: int) -> list[tuple[str, str, list[Row]]]:
        """(what, query of the published gold, its rows in order) after a run every evening up to `day`."""
        return sales_oracle.expected(self._delivered(day))

    def rejected(self, day: int) -> Counter[Reason]:
        """How many lines each (table, field, rule) rejects over all files so far; a copy of a file counts no more."""
        return sales_oracle.rejected(self._delivered(day))

    # -- what is dropped --------------------------------------------------------------------------------------------

    def _delivered(self, day: int) -> list[Line]:
        """The lines of all files so far, in order."""
        return [line for drops in self._drops[: day + 1] for lines in drops.values() for line in lines]

    @cached_property
    def _drops(self) -> list[dict[str, list[Line]]]:
        maker = _Maker(random.Random(f"{self.seed}/{self.scale}/sales"), self.scale)
        drops: list[dict[str, list[Line]]] = []
        for day in range(DAYS):
            since, until = (date(2019, 1, 1), date(2019, 12, 31)) if day == 0 else _window(day)
            count = max(int(2_800 * self.scale), 240) if day == 0 else max(int(300 * self.scale), 40)
            lines = maker.lines(count, since, until)
            if day == 0:
                lines += [*maker.regulars(), *maker.one_day_twice(date(2019, 6, 15))]
            spoils = SPOILS if day else SPOILS + FIRST_SPOILS
            drops.append({f"sales_{day_of(day)}.csv": maker.spoil(lines, spoils)})
        drops[2][f"sales_{day_of(2)}_late.csv"] = maker.late(drops[0][f"sales_{day_of(0)}.csv"])
        drops[3][f"sales_{day_of(1)}_corrected.csv"] = _corrected(drops[1][f"sales_{day_of(1)}.csv"])
        return drops


class _Maker:
    """Makes lines of what is sold to whom, as it is true on their date."""

    def __init__(self, rng: random.Random, scale: float) -> None:
        self.rng = rng
        self.order_number = 9_980  # so that numbers as text would sort wrong
        codes = [f"S{10 + n % 9 * 8}_{1000 + 37 * n}" for n in range(max(int(100 * scale), 16))]
        self.products = {code: self._product(n) for n, code in enumerate(codes)}
        self.customers = {1_006_700 + n: self._customer(n) for n in range(max(int(90 * scale), 14))}

    def _product(self, number: int) -> Timeline:
        """Products 0 to 3 of every ten are sold at another list price from some date on."""
        price = Decimal(40 + int(160 * self.rng.random())) + (Decimal("0.95") if number % 3 == 0 else 0)
        line = LINES[number % len(LINES)]
        return [(START, (line, price)), *((since, (line, price + 11)) for since in _change(number))]

    def _customer(self, number: int) -> Timeline:
        """Customers 0 to 3 of every ten move or have another contact from some date on."""
        name = f"{NAMES[number % len(NAMES)]} {number}"
        place, contact = pick(self.rng, PLACES), pick(self.rng, CONTACTS)
        later_place = pick(self.rng, [p for p in PLACES if p != place]) if number % 2 else place
        later_contact = contact if number % 2 else pick(self.rng, [c for c in CONTACTS if c != contact])
        return [
            (START, (name, *place, *contact)),
            *((since, (name, *later_place, *later_contact)) for since in _change(number)),
        ]

    def lines(self, count: int, since: date, until: date) -> list[Line]:
        """About ten lines an order, on random dates."""
        found: list[Line] = []
        while len(found) < count:
            day = since + timedelta(days=int(((until - since).days + 1) * self.rng.random()))
            size = min(1 + int(17 * self.rng.random()), count - len(found), len(self.products))
            found += self._order(day, self.rng.sample(list(self.products), size), pick(self.rng, list(self.customers)))
        return found

    def _order(self, day: date, codes: list[str], customer_id: int) -> list[Line]:
        self.order_number += 1
        status = pick(self.rng, STATUSES)
        shipped = None if status == "In Process" else day + timedelta(days=1 + int(6 * self.rng.random()))
        customer = _true(self.customers[customer_id], day)
        lines = []
        for number, code in enumerate(codes, 1):
            product = _true(self.products[code], day)
            price = (product[1] * (80 + int(41 * self.rng.random())) / 100).quantize(Decimal("0.01"))
            quantity = 1 + int(60 * self.rng.random())
            shown = min(price, Decimal(100))  # the system caps what it shows; SALES is the truth
            what = (code, product, customer_id, customer, quantity, shown, quantity * price, status)
            lines.append(Line(day, shipped, self.order_number, number, *what))
        return lines

    def _regular(self, number: int) -> tuple[str, int]:
        """The product and the customer with a number."""
        return list(self.products)[number], list(self.customers)[number]

    def regulars(self) -> list[Line]:
        """Orders that are sure to be there before and after the late ones."""
        dates = [date(2019, 2, 10), date(2019, 7, 2), date(2019, 8, 5), date(2019, 11, 20)]
        who = [self._regular(number) for number in (0, 8, 9)]
        return [self._order(day, [code], customer_id)[0] for day in dates for code, customer_id in who]

    def one_day_twice(self, day: date) -> list[Line]:
        """A product and a customer twice on a date, each time described in another way."""
        code, customer_id = self._regular(9)
        first, last = (self._order(day, [code], customer_id)[0] for _ in range(2))
        name, city, country, territory, _, _ = last.customer
        last = replace(
            last,
            product=(last.product[0], last.product[1] + 7),
            customer=(name, city, country, territory, "Double", "Day"),
        )
        return [last, first]  # the file's order says nothing

    def late(self, known: list[Line]) -> list[Line]:
        """Older orders: an old attribute after it had changed, and values that were true only for a while."""
        found = self.lines(6, date(2019, 3, 1), date(2019, 10, 31))
        code, customer_id = self._regular(0)  # both changed in July 2019
        sample = self._order(_free(known, code, customer_id, date(2019, 9, 1)), [code], customer_id)[0]
        before = (self.products[code][0][1], self.customers[customer_id][0][1])
        old = replace(sample, product=before[0], customer=before[1])
        code, customer_id = self._regular(8)  # neither changes
        sample = self._order(_free(known, code, customer_id, date(2019, 5, 1)), [code], customer_id)[0]
        name, _, _, _, last_name, first_name = sample.customer
        between = replace(
            sample,
            product=(sample.product[0], sample.product[1] - 5),
            customer=(name, "Halfway", "Canada", "NA", last_name, first_name),
        )
        return [*found, old, between]

    def spoil(self, lines: list[Line], spoils: list[tuple[str, str, str, str]]) -> list[Line]:
        """The lines, some written in another way, with some more that have a fault, each an order of its own."""
        each = max(1, len(lines) // 700)
        for place in self.rng.sample(range(len(lines)), 2 * each):
            lines[place] = replace(lines[place], long=True)
        for spoil in spoils:
            for _ in range(each):
                day = pick(self.rng, lines).order_date
                codes, customer_id = [pick(self.rng, list(self.products))], pick(self.rng, list(self.customers))
                place = int(len(lines) * self.rng.random())
                lines.insert(place, replace(self._order(day, codes, customer_id)[0], spoil=spoil))
        return lines


START = date(2000, 1, 1)


def _window(day: int) -> tuple[date, date]:
    """The order dates of a later day's file: a third of January 2020."""
    since = date(2020, 1, 1) + timedelta(days=10 * (day - 1))
    return since, since + timedelta(days=9)


def _change(number: int) -> list[date]:
    """From when on the product or customer with this number is another: in day 0's file or in a later one."""
    dates = {0: date(2019, 7, 1), 1: date(2020, 1, 4), 2: date(2020, 1, 14), 3: date(2020, 1, 24)}
    return [dates[number % 10]] if number % 10 in dates else []


def _true(timeline: Timeline, day: date) -> Attributes:
    return [attributes for since, attributes in timeline if since <= day][-1]


def _free(known: list[Line], code: str, customer_id: int, day: date) -> date:
    """The first date from a day on when neither of the two was in an order."""
    taken = {line.order_date for line in known if line.product_code == code or line.customer_id == customer_id}
    while day in taken:
        day += timedelta(days=1)
    return day


def _corrected(lines: list[Line]) -> list[Line]:
    """The whole file once more: some statuses and amounts put right, and two kinds of fault."""
    found = []
    for number, line in enumerate(lines):
        fixed = replace(line, spoil=None) if line.spoil and line.spoil[0] in ("SALES", "STATUS") else line
        if number % 12 == 5:
            fixed = replace(fixed, sales=fixed.sales + Decimal("10.01"))
        if number % 10 == 3:
            fixed = replace(fixed, status="Resolved", ship_date=fixed.ship_date or day_of(0))
        found.append(fixed)
    return found
