"""Write what stands in Superset to a folder of asset files: small, sorted, without secrets. Runs in Superset's environment.

python commands/export.py ASSETS

Prints one line per file that changed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import files
from superset.app import create_app


def main() -> None:
    """Export, write, print."""
    with create_app().app_context():
        import record
        from superset.utils.core import override_user

        from superset import security_manager

        with override_user(security_manager.find_user("millrace")):
            documents = record.exported()
            said = files.write(Path(sys.argv[1]), documents)
            record.remember(str(document["uuid"]) for _, document in documents)
    for line in said:
        print(f"· {line}")


if __name__ == "__main__":
    main()
