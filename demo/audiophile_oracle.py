"""What a correct pipeline must have of the rankings site, worked out plainly from the rows of its pages."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from .records import Reason, day_of

if TYPE_CHECKING:
    from .audiophile import Name, Product

Row = tuple[Any, ...]
READ_AT = time(23, 30)


def expected(pages: dict[Name, list[list[Product]]], day: int) -> list[tuple[str, str, list[Row]]]:
    """(what, query of the published gold, its rows in order) after a run every evening up to `day`."""
    names: list[tuple[Name, str]] = [("headphones", "headphone"), ("iems", "iem")]
    answers: list[tuple[str, str, list[Row]]] = []
    for name, one in names:
        products = [product for product in pages[name][day] if not product.reason]
        columns = (
            "model, rank_grade, price, price_status, price_note, bundle_price, price_disagrees, value_rating, "
            "valid_from, valid_to, is_current"
        )
        answers.append((name, f"SELECT {columns} FROM audiophile.{name}", _history(pages[name][: day + 1])))
        least = 15 if one == "headphone" else 35
        signatures = [row for row in _ratings(products, lambda p: p.signature) if row[2] > least]
        companies = _ratings(products, lambda p: p.company)
        answers += [
            _mart(f"avg_audio_signature_{one}", "signature, average_rating, number_of_products", signatures),
            _mart(f"highest_rank_company_{one}", "company_name, average_rating, number_of_products", companies),
            _mart(f"highest_value_company_{one}", "company_name, highest_value", _values(products)),
        ]
        if one == "headphone":
            drivers = _ratings(products, lambda p: p.setup)
            columns = "driver_type, average_rating, number_of_products"
            answers.append(_mart("avg_driver_rating_headphone", columns, drivers))
    return answers


def rejected(pages: dict[Name, list[list[Product]]], day: int, times: int) -> Counter[Reason]:
    """How many rows of the pages of a day each (table, field, rule) rejects when each of them has landed so many times."""
    return Counter((name, *p.reason) for name, days in pages.items() for p in days[day] * times if p.reason)


def _history(days: list[list[Product]]) -> list[Row]:
    """The versions of all models, each with the reads that brought and ended it."""
    versions: dict[str, list[tuple[Product, datetime, datetime | None]]] = defaultdict(list)
    for now, products in enumerate(days):
        read = datetime.combine(day_of(now), READ_AT)
        there = {p.name: p for p in products if not p.reason}
        for model, known in versions.items():
            last, since, until = known[-1]
            if until is None and (model not in there or _tracked(there[model]) != _tracked(last)):
                known[-1] = (last, since, read)
        for model, product in there.items():
            if not versions[model] or versions[model][-1][2] is not None:
                versions[model].append((product, read, None))
    rows = [
        (model, p.rank, *_price_columns(p), p.stars or None, since, until, until is None)
        for model, known in versions.items()
        for p, since, until in known
    ]
    return _ordered(rows)


def _tracked(product: Product) -> Row:
    """What makes a new version when it changes."""
    p = product
    return (p.rank, _price_columns(p), p.stars, p.signature, p.tone, p.technical, p.setup, p.fit)


def _price_columns(product: Product) -> Row:
    """The columns that follow from the price."""
    price = product.price
    return (_amount(price.amount), price.status, price.note, _amount(price.bundle), price.disagrees)


def _amount(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value).quantize(Decimal("0.01"))


def _mart(name: str, columns: str, rows: list[Row]) -> tuple[str, str, list[Row]]:
    return name, f"SELECT {columns} FROM audiophile.{name}", rows


def _groups(products: Iterable[Product], by: Callable[[Product], str]) -> dict[str, list[Product]]:
    groups: dict[str, list[Product]] = defaultdict(list)
    for product in products:
        groups[by(product)].append(product)
    return groups


def _ratings(products: Iterable[Product], by: Callable[[Product], str]) -> list[Row]:
    """Per group the average value of the ranks, S+ being 20 and each next grade a half less, and how many there are."""
    rows = []
    for key, group in _groups(products, by).items():
        halves = sum(product.halves for product in group)
        average = (Decimal(halves) / (2 * len(group))).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        rows.append((key, average, len(group)))
    return sorted(rows)


def _values(products: Iterable[Product]) -> list[Row]:
    """Per company the most stars a product of it has, if one has any."""
    groups = _groups(products, lambda p: p.company)
    return _ordered((company, max(p.stars for p in group) or None) for company, group in groups.items())


def _ordered(rows: Iterable[Row]) -> list[Row]:
    """As ORDER BY ALL would: what is missing comes last."""
    return sorted(rows, key=lambda row: [(value is None, value) for value in row])
