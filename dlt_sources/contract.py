"""What a source's ``contract.py`` is written with: ``from dlt_sources.contract import Contract, column``."""

from ._steps.contracts.amounts import read_amount
from ._steps.contracts.contract import Contract, checked_only, column, computed

__all__ = ["Contract", "checked_only", "column", "computed", "read_amount"]
