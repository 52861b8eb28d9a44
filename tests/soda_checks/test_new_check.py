"""A contract that is made for a table of gold holds what an audit cannot say, and only what follows from its columns."""

from pathlib import Path

import pytest
import yaml

from soda_checks import new_check
from soda_checks.new_check import Checked, CheckError, make_check, place_of, time_of

COLUMNS = {
    "order_id": "BIGINT",
    "customer_id": "BIGINT",
    "valid_to": "DATE",
    "due_date": "DATE",
    "updated_at": "TIMESTAMP",
}


def test_each_check_follows_from_what_is_known():
    found = Checked("shop.orders", COLUMNS, "stg_web.orders", True, [("customer_id", "people.dim_customers")])
    text, doubts = make_check(found)
    contract = yaml.safe_load(text)
    assert contract["dataset"] == "warehouse/${var.path}/orders" and contract["variables"] == {
        "path": {"default": "shop"}
    }
    kinds = [next(iter(check)) for check in contract["checks"]]
    assert kinds == ["freshness", "failed_rows", "failed_rows"] and len(doubts) == 3
    fresh, recount, reference = (next(iter(check.values())) for check in contract["checks"])
    assert fresh["column"] == "updated_at" and fresh["threshold"]["level"] == "warn"
    assert "FROM stg_web.orders WHERE NOT _deleted" in recount["query"] and "threshold" not in recount
    assert "LEFT JOIN people.dim_customers" in reference["query"] and reference["threshold"] == {"level": "warn"}


def test_where_nothing_follows_nothing_is_made():
    with pytest.raises(CheckError, match="nothing to derive"):
        make_check(Checked("shop.orders", {"order_id": "BIGINT", "valid_from": "DATE"}))


@pytest.mark.parametrize(
    ("columns", "time"),
    [
        ({"valid_to": "DATE"}, None),
        ({"a": "DATE", "created_at": "TIMESTAMP"}, "created_at"),
        ({"created_at": "TIMESTAMP", "updated_at": "TIMESTAMP"}, "updated_at"),
        ({"n": "BIGINT"}, None),
    ],
)
def test_which_time_says_when_a_row_came(columns, time):
    assert time_of(columns) == time


def test_nothing_is_written_over(monkeypatch, tmp_path):
    monkeypatch.setattr(new_check, "FOLDER", tmp_path)
    assert place_of("shop.orders") == Path("gold/shop/orders.yml")
    (tmp_path / "gold" / "shop").mkdir(parents=True)
    (tmp_path / "gold" / "shop" / "orders.yml").touch()
    with pytest.raises(CheckError, match="is there already"):
        place_of("shop.orders")
    with pytest.raises(CheckError, match="follow from the contract of its rows"):
        place_of("stg_shop.orders")
