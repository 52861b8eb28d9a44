"""Reference pages of gold: every table of every domain, as its model declares it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foundation.derived import table

from .copied import declared_models

if TYPE_CHECKING:
    from settings import Settings


def pages(settings: Settings) -> dict[str, str]:
    """Per domain its page; no warehouse is needed.

    Raises:
        ModelError: the models do not load.
    """
    with declared_models(settings) as found:
        domains: dict[str, list[Any]] = {}
        for model in sorted(found, key=lambda model: model.name):
            domains.setdefault(model.name.split(".")[0], []).append(model)
        return {domain: _page(domain, models) for domain, models in domains.items()}


def _page(domain: str, models: list[Any]) -> str:
    lines = [
        f"# {domain}",
        "",
        f"`make derive` writes this page from `sqlmesh_project/models/{domain}/`; do not edit it.",
    ]
    for model in models:
        lines += ["", f"## {model.name.split('.')[1]}", "", model.description or "", "", _about(model), ""]
        described = model.column_descriptions
        columns = (model.columns_to_types or {}).items()
        rows = [[name, f"`{kind.sql('duckdb')}`", described.get(name, "")] for name, kind in columns]
        lines += table(["column", "type", "meaning"], rows)
    return "\n".join(lines) + "\n"


def _about(model: Any) -> str:
    """Kind, grain, audits and what it is built from, in a line each."""
    upstream = sorted(".".join(part.strip('"') for part in name.split(".")[-2:]) for name in model.depends_on)
    grain = ", ".join(f"`{grain.sql()}`" for grain in model.grains)
    lines = [f"Kind `{model.kind.name.value}`, owner {model.owner}" + (f", one row per {grain}" if grain else "") + "."]
    if upstream:
        lines.append(f"Built from {', '.join(f'`{name}`' for name in upstream)}.")
    if model.audits:
        lines.append(f"Audits: {'; '.join(_audit(name, arguments) for name, arguments in model.audits)}.")
    return "\n".join(lines)


def _audit(name: str, arguments: dict[str, Any]) -> str:
    said = ", ".join(f"{key} := {value.sql()}" for key, value in arguments.items())
    return f"`{name}({said})`"
