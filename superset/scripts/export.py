"""Write what stands in Superset to a folder of asset files: small, sorted, without secrets. Runs in Superset's environment.

python scripts/export.py ASSETS

Prints one line per file that changed. What people made on databases of their own stays out of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import files
from superset.app import create_app


def on_our_databases(documents: list[tuple[str, files.Document]], ours: set[str]) -> list[tuple[str, files.Document]]:
    """What uses databases that came from files; people may look at others of their own here."""
    known = {str(d["uuid"]) for kind, d in documents if kind == "databases" and str(d["uuid"]) in ours}
    for kind, parent in (("datasets", "database_uuid"), ("charts", "dataset_uuid")):
        known |= {str(d["uuid"]) for k, d in documents if k == kind and str(d.get(parent)) in known}
    return [(kind, d) for kind, d in documents if kind == "dashboards" or str(d["uuid"]) in known]


def main() -> None:
    """Export, write, print."""
    with create_app().app_context():
        import record
        from superset.utils.core import override_user

        from superset import security_manager

        with override_user(security_manager.find_user("millrace")):
            documents = on_our_databases(record.exported(), record.imported())
            said = files.write(Path(sys.argv[1]), documents)
            record.remember(str(document["uuid"]) for _, document in documents)
    for line in said:
        print(f"· {line}")


if __name__ == "__main__":
    main()
