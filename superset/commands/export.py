"""Write what stands in Superset to assets/: small, sorted, without secrets. Runs in Superset's environment.

Prints one line per file that changed. Only what hangs on the files' own databases is exported.
"""

from __future__ import annotations

import sys
from pathlib import Path

import files
import yaml
from superset.app import create_app

HERE = Path(__file__).resolve().parents[1]


def exported() -> list[tuple[str, files.Document]]:
    """Every asset of this Superset as (kind, document), as its own export gives it."""
    from superset.commands.export.assets import ExportAssetsCommand

    found = []
    for name, content in ExportAssetsCommand().run():
        kind = name.split("/")[0]
        if kind in files.KINDS:
            found.append((kind, yaml.safe_load(content())))
    return found


def main() -> None:
    """Export, write, print."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "assets"
    with create_app().app_context():
        from superset import security_manager
        from superset.utils.core import override_user

        with override_user(security_manager.find_user("millrace")):
            documents = exported()
    for line in files.write(folder, documents):
        print(line)


if __name__ == "__main__":
    main()
