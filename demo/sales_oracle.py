"""What a correct pipeline must have of the sales system, worked out plainly from the lines it dropped."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .records import Reason

if TYPE_CHECKING:
    from .sales_lines import Attributes, Line, Timeline

Row = tuple[Any, ...]
Versions = dict[Any, "Timeline"]


def expected(delivered: Iterable[Line]) -> list[tuple[str, str, list[Row]]]:
    """(what, query of the published gold, its rows in order) after these lines."""
    lines = _accepted(delivered)
    products = _versions(lines, lambda line: (line.product_code, line.product))
    customers = _versions(lines, lambda line: (line.customer_id, line.customer))

    def country(line: Line) -> Row:
        return (_on(customers, line.customer_id, line.order_date)[2],)

    def product_line(line: Line) -> Row:
        return (_on(products, line.product_code, line.order_date)[0],)

    total = sum((line.sales for line in lines), Decimal("0.00"))
    differ = sum(line.sales != line.quantity * line.price_each for line in lines)
    fact = [(len(lines), sum(line.quantity for line in lines), total, differ)]
    product_columns = "product_code, product_line, list_price, valid_from, valid_to, is_current"
    customer_columns = (
        "customer_id, customer_name, city, country, territory, contact_lastname, contact_firstname, "
        "valid_from, valid_to, is_current"
    )
    sums = "orders, order_lines, quantity, total_sales"
    fact_query = (
        "SELECT count(*), sum(quantity_ordered), sum(sales), count(*) FILTER (WHERE amount_disagrees) "
        "FROM sales.fact_sales"
    )
    orders_query = (
        "SELECT order_number, first_ship_date, last_ship_date, unsent_lines, order_lines, total_sales, sent_on"
        " FROM sales.sales_per_order JOIN (SELECT order_number, max(d.date_day) AS sent_on FROM sales.fact_sales"
        " JOIN sales.dim_date AS d ON d.date_key = ship_date_key GROUP BY 1) AS f USING (order_number)"
    )
    marts: list[tuple[str, str, Callable[[Line], Row]]] = [
        ("sales_per_product_line", "product_line", product_line),
        ("sales_per_product", "product_code", lambda line: (line.product_code,)),
        ("sales_per_country", "country", country),
        ("sales_per_customer", "customer_id", lambda line: (line.customer_id,)),
        ("sales_per_month", "sales_year, sales_month", lambda line: (line.order_date.year, line.order_date.month)),
    ]
    return [
        ("products", f"SELECT {product_columns} FROM sales.dim_products", _rows(products)),
        ("customers", f"SELECT {customer_columns} FROM sales.dim_customers", _rows(customers)),
        ("sales", fact_query, fact),
        ("orders", orders_query, _orders(lines)),
        *((name, f"SELECT {by}, {sums} FROM sales.{name}", _totals(lines, key)) for name, by, key in marts),
    ]


def rejected(delivered: Iterable[Line]) -> Counter[Reason]:
    """How many of these lines each (table, field, rule) rejects."""
    return Counter(("order_lines", line.spoil[2], line.spoil[3]) for line in delivered if line.spoil)


def _accepted(delivered: Iterable[Line]) -> list[Line]:
    """The lines that count: of each key the last delivered."""
    return list({(line.order_number, line.number): line for line in delivered if not line.spoil}.values())


def _versions(lines: Iterable[Line], what: Callable[[Line], tuple[Any, Attributes]]) -> Versions:
    """Per key when which attributes begin to be valid: on a date the last line in order number and number counts."""
    found: Versions = defaultdict(list)
    on_date: dict[Any, dict[date, Attributes]] = defaultdict(dict)
    for line in sorted(lines, key=lambda line: (line.order_date, line.order_number, line.number)):
        key, attributes = what(line)
        on_date[key][line.order_date] = attributes
    for key, dates in on_date.items():
        for day, attributes in dates.items():
            if not found[key] or found[key][-1][1] != attributes:
                found[key].append((day, attributes))
    return found


def _on(versions: Versions, key: Any, day: date) -> Attributes:
    return [attributes for since, attributes in versions[key] if since <= day][-1]


def _rows(versions: Versions) -> list[Row]:
    """The rows of a dimension with its history."""
    rows = []
    for key, history in versions.items():
        ends = [since for since, _ in history[1:]] + [None]
        rows += [(key, *told, since, end, end is None) for (since, told), end in zip(history, ends, strict=True)]
    return sorted(rows, key=lambda row: [(value is None, value) for value in row])


def _orders(lines: list[Line]) -> list[Row]:
    """Per order when its lines were sent, how many were not, how many there are, and their sales."""
    orders: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        orders[line.order_number].append(line)
    rows: list[Row] = []
    for number, group in sorted(orders.items()):
        sent = [line.ship_date for line in group if line.ship_date]
        first, last = (min(sent), max(sent)) if sent else (None, None)
        total = sum((line.sales for line in group), Decimal("0.00"))
        rows.append((number, first, last, len(group) - len(sent), len(group), total, last))
    return rows


def _totals(lines: list[Line], by: Callable[[Line], Row]) -> list[Row]:
    """Orders, lines, quantity and sales per group."""
    groups: dict[Row, list[Line]] = defaultdict(list)
    for line in lines:
        groups[by(line)].append(line)
    return sorted(
        (
            *key,
            len({line.order_number for line in group}),
            len(group),
            sum(line.quantity for line in group),
            sum((line.sales for line in group), Decimal("0.00")),
        )
        for key, group in groups.items()
    )
