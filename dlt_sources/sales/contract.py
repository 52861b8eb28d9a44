"""What a sales order line is. See README.md for the source's habits."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from dlt_sources.contract import Contract, column, computed

Amount = Annotated[Decimal, Field(max_digits=10, decimal_places=2)]


class OrderLine(Contract):
    """One line of a sales order, with what was true of its product and customer on the order's day."""

    order_number: int = column("The order", path="ORDERNUMBER", gt=0)
    order_line_number: int = column("Line of the order, from 1", path="ORDERLINENUMBER", gt=0)
    order_date: date = column("Day of the order", path="ORDERDATE")
    ship_date: date | None = column("Day it was sent; none yet: NULL", path="SHIPDATE")
    product_code: str = column("The product", path="PRODUCTCODE", min_length=1, max_length=15)
    product_line: str = column("Kind of product", path="PRODUCTLINE", min_length=1, max_length=50)
    list_price: Amount = column("The maker's price (MSRP) on the order's day", path="MSRP", unit="USD", gt=0)
    customer_id: int = column("The customer", path="CUSTOMERID", gt=0)
    customer_name: str = column("Name of the customer, a company", path="CUSTOMERNAME", min_length=1, max_length=100)
    city: str | None = column("Town of the customer", path="CITY", max_length=50)
    country: str | None = column("Country of the customer", path="COUNTRY", max_length=50)
    territory: str | None = column("Sales region; NA is North America", path="TERRITORY", max_length=50)
    contact_lastname: str | None = column("Contact's family name", path="CONTACTLASTNAME", pii="keep", max_length=50)
    contact_firstname: str | None = column("Contact's given name", path="CONTACTFIRSTNAME", pii="keep", max_length=50)
    quantity_ordered: int = column("Pieces ordered", path="QUANTITYORDERED", gt=0)
    price_each: Amount = column(
        "Price of a piece as recorded; capped at 100 in half of the lines", path="PRICEEACH", ge=0
    )
    sales: Amount = column("Amount of the line: the truth", path="SALES", unit="USD", ge=0)
    status: Literal["Shipped", "Cancelled", "Resolved", "On Hold", "In Process", "Disputed"] = column(
        "State of the order", path="STATUS"
    )
    file_name: str = column("File that delivered the line last", path="_file", max_length=200)
    amount_disagrees: bool = computed(
        "Whether sales is not quantity times price; kept: sales is the truth", "sales <> quantity_ordered * price_each"
    )
