"""A source.yml read into the model of its connector, or in clear words what in it is not of the format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from .declaration_error import DeclarationError, hint
from .source_kinds import connectors
from .source_yml import AnySource
from .yaml_file import YamlFile


def validate(path: Path, file: YamlFile) -> AnySource:
    """The declaration that a file holds.

    Raises:
        DeclarationError: it is not of the format; a line for each thing that is wrong, with its place and the fix.
    """
    content = file.content
    if not isinstance(content, dict):
        raise DeclarationError(f"{path}: expected keys such as connector and tables, found {type(content).__name__}")
    kinds = connectors()
    model = kinds.get(str(content.get("connector")))
    if model is None:
        raise DeclarationError(
            f"{path}: connector: {content.get('connector')!r} is not one of {', '.join(kinds)}"
            f"{hint(str(content.get('connector')), kinds)} (line {file.line(['connector'])})"
        )
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise DeclarationError("\n".join(_explain(path, model, error, file))) from None


def _explain(path: Path, model: type[BaseModel], error: ValidationError, file: YamlFile) -> Iterator[str]:
    for item in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in item["loc"])
        match item["type"]:
            case "extra_forbidden":
                fix = f"unknown key{hint(str(item['loc'][-1]), _keys_at(model, item['loc'][:-1]))}"
            case "missing":
                fix = "required key is missing; add it"
            case _:
                fix = item["msg"].removeprefix("Value error, ")
        yield f"{path}: {where or '(top)'}: {fix} (line {file.line(item['loc'])})"


def _keys_at(model: Any, loc: tuple[int | str, ...]) -> list[str]:
    """Keys allowed at a path of the declaration, by walking the models' fields."""
    for part in loc:
        fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
        if part in fields:
            model = _model_in(fields[str(part)])
        if model is None:
            return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
