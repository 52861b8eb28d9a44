"""A YAML file read strictly: a key that stands twice is an error, and every key knows its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from .declaration_error import DeclarationError


class _Loader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys and drops the other without a word; here the second is an error."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            name = (key.tag, key.value)
            if name in lines:
                raise yaml.composer.ComposerError(
                    None,
                    None,
                    f"the key {key.value!r} stands twice, first in line {lines[name]}; remove or rename one",
                    key.start_mark,
                )
            lines[name] = key.start_mark.line + 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)  # type: ignore[no-untyped-call]
        except (ValueError, TypeError) as error:  # 2020-13-45, say: PyYAML names no line
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from None


@dataclass(frozen=True)
class YamlFile:
    """What a YAML file says, and where it says it."""

    content: Any
    root: yaml.Node | None

    def line(self, path: Sequence[str | int]) -> int:
        """The line of the value at `path`, or of the innermost part of it that the file has."""
        node, line = self.root, 1
        for part in path:
            if isinstance(node, yaml.MappingNode):
                found = next((pair for pair in node.value if pair[0].value == str(part)), None)
                if found:
                    line, node = found[0].start_mark.line + 1, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
        return line


@lru_cache(maxsize=1_000)
def _parse(text: str) -> YamlFile:
    """Kept, since a run reads each declaration several times, a resident process at each turn, and PyYAML takes 10 ms."""
    loader = _Loader(text)
    root = loader.get_single_node()
    return YamlFile(loader.construct_document(root) if root is not None else None, root)


def read(path: Path) -> YamlFile:
    """The file's content and lines.

    Raises:
        DeclarationError: it cannot be read or is not YAML; names file, line and reason.
    """
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeclarationError(f"{path}: cannot be read ({error.strerror}); make it a readable file") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" (line {mark.line + 1})" if mark else ""
        raise DeclarationError(f"{path}: not YAML that can be used: {error.problem}{line}") from None
    except RecursionError:
        raise DeclarationError(f"{path}: not YAML that can be used: nested too deeply") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:  # other bytes than UTF-8, a date such as 2020-13-45
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DeclarationError(f"{path}: not YAML that can be used: {reason}") from None
