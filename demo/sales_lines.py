"""The sales system's order lines and the files that it writes of them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

Attributes = tuple[Any, ...]
Timeline = list[tuple[date, Attributes]]  # what is true of a product or customer from a date on

HEADER = [
    "ORDERDATE",
    "SHIPDATE",
    "ORDERNUMBER",
    "ORDERLINENUMBER",
    "PRODUCTCODE",
    "PRODUCTLINE",
    "MSRP",
    "CUSTOMERID",
    "CUSTOMERNAME",
    "CITY",
    "COUNTRY",
    "TERRITORY",
    "CONTACTLASTNAME",
    "CONTACTFIRSTNAME",
    "QUANTITYORDERED",
    "PRICEEACH",
    "SALES",
    "STATUS",
]
SPOILS: list[tuple[str, str, str, str]] = [  # column, text, field, rule
    ("QUANTITYORDERED", "0", "quantity_ordered", "greater_than"),
    ("SALES", "abc", "sales", "decimal_parsing"),
    ("STATUS", "Lost", "status", "literal_error"),
    ("ORDERDATE", "2019-13-01", "order_date", "date_from_datetime_parsing"),
    ("PRODUCTCODE", "", "product_code", "string_type"),
    ("too few", "", "", "malformed_line"),
    ("too many", "", "", "malformed_line"),
]
FIRST_SPOILS: list[tuple[str, str, str, str]] = [  # of the first file only
    ("ORDERNUMBER", "9223372036854775808", "order_number", "unrepresentable"),
    ("SALES", "1,900.50", "sales", "decimal_parsing"),
    ("SALES", "NaN", "sales", "finite_number"),
    ("MSRP", "$95", "list_price", "decimal_parsing"),
    ("ORDERDATE", "43831", "order_date", "time_from_number"),
]


@dataclass(frozen=True)
class Line:
    """An order line; `spoil`: the fault it is sent with, `long`: whether it is written as another program would."""

    order_date: date
    ship_date: date | None
    order_number: int
    number: int
    product_code: str
    product: Attributes  # product line, list price
    customer_id: int
    customer: Attributes  # name, city, country, territory, contact's last and first name
    quantity: int
    price_each: Decimal
    sales: Decimal
    status: str
    spoil: tuple[str, str, str, str] | None = None
    long: bool = False

    def cells(self) -> list[str]:
        """The line as the file has it."""
        shipped = self.ship_date.isoformat() if self.ship_date else ""
        keys: list[Any] = [self.order_date, shipped, self.order_number, self.number]
        numbers = [self.quantity, _short(self.price_each), _short(self.sales)]
        product = [self.product_code, self.product[0], _short(self.product[1])]
        cells = [str(v) for v in [*keys, *product, self.customer_id, *self.customer, *numbers, self.status]]
        if self.long:
            for name, text in self._long().items():
                cells[HEADER.index(name)] = text
        if not self.spoil:
            return cells
        column, text, _, _ = self.spoil
        if column in HEADER:
            cells[HEADER.index(column)] = text
            return cells
        cells = [cell.replace("\n", " ") for cell in cells]  # a malformed line is one line
        return cells[:15] if column == "too few" else [*cells, "", "x"]

    def _long(self) -> dict[str, str]:
        """The same date and numbers with a time of day, more digits or blanks."""
        return {
            "ORDERDATE": f"{self.order_date}T00:00:00",
            "QUANTITYORDERED": f"{self.quantity}.0",
            "PRICEEACH": f" {self.price_each} ",
            "SALES": f"{self.sales:.12f}",
        }


def as_csv(lines: list[Line]) -> bytes:
    """A batch as it is dropped: with a byte order mark."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([HEADER, *(line.cells() for line in lines)])
    return text.getvalue().encode("utf-8-sig")


def _short(amount: Decimal) -> str:
    """As the system writes numbers: no zeros at the end."""
    text = f"{amount:.2f}"
    return text.rstrip("0").rstrip(".")
