"""The core schema that Pydantic compiles a contract to: its parts, and which of its words Millrace knows.

What is not on a list here makes a rule unknown, or a contract one that looks at rows as a whole: then Pydantic is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

Schema = Mapping[str, Any]

_ALWAYS = {"type", "metadata", "ref"}
FIELD = {"schema", "validation_alias", "serialization_alias", "serialization_exclude", "frozen"}
_MODEL = {
    "cls",
    "schema",
    "custom_init",
    "root_model",
    "post_init",
    "config",
    "frozen",
    "generic_origin",
    "revalidate_instances",
}
_FIELDS = {"fields", "model_name", "computed_fields"}
_CONFIG = {
    "title",
    "extra_fields_behavior",
    "loc_by_alias",
    "revalidate_instances",
    "validate_default",
    "str_max_length",
    "str_min_length",
    "str_strip_whitespace",
    "str_to_lower",
    "str_to_upper",
    "allow_inf_nan",
    "ser_json_timedelta",
    "ser_json_temporal",
    "ser_json_bytes",
    "ser_json_inf_nan",
    "val_json_bytes",
    "hide_input_in_errors",
    "validation_error_cause",
    "coerce_numbers_to_str",
    "regex_engine",
    "cache_strings",
    "serialize_by_alias",
    "strict",
    "url_preserve_empty_path",
}


def field_schema(contract: type[BaseModel], name: str) -> Schema:
    """The core schema of a field with its aliases (``model-field``)."""
    found: Schema = _fields_of(contract)["fields"][name]
    return found


def checks_rows(contract: type[BaseModel]) -> bool:
    """Whether the contract looks at rows as a whole, in ways of its own: then only Pydantic can tell what a row is."""
    schema: Schema = contract.__pydantic_core_schema__
    if schema["type"] == "definitions":
        schema = schema["schema"]
    if schema["type"] != "model" or has_unknown(schema, _MODEL) or schema["schema"]["type"] != "model-fields":
        return True
    config = schema.get("config", {})
    own = schema.get("custom_init") or schema.get("root_model") or schema.get("post_init")
    return bool(
        own
        or has_unknown(schema["schema"], _FIELDS)
        or set(config) - _CONFIG
        or config.get("extra_fields_behavior", "ignore") != "ignore"
        or config.get("strict")
    )


def config_of(contract: type[BaseModel]) -> Schema:
    """The contract's configuration, as the core schema has it."""
    config: Schema = _within(contract, "model").get("config", {})
    return config


def inner(schema: Schema) -> tuple[Schema, bool]:
    """The schema of the value itself, inside defaults, nulls and validators; and whether what it demands holds for the value
    that comes out: not when a validator changes it afterwards.
    """
    holds = True
    while "schema" in schema and schema["type"] in (
        "default",
        "nullable",
        "function-before",
        "function-after",
        "function-wrap",
    ):
        holds = holds and schema["type"] not in ("function-after", "function-wrap")
        schema = schema["schema"]
    return schema, holds


def _fields_of(contract: type[BaseModel]) -> Schema:
    return _within(contract, "model-fields")


def _within(contract: type[BaseModel], kind: str) -> Schema:
    """The part of the contract's core schema that is of a type: model validators and definitions are wrapped around it."""
    schema: Schema = contract.__pydantic_core_schema__
    while schema["type"] != kind:
        if "schema" not in schema:
            raise TypeError(
                f"{contract.__name__}: a contract is a Pydantic model of fields, without a core schema of its own"
            )
        schema = schema["schema"]
    return schema


def has_unknown(schema: Schema, known: set[str]) -> bool:
    """Whether the schema says anything beside the known words."""
    return bool({key for key, value in schema.items() if value is not None} - known - _ALWAYS)
