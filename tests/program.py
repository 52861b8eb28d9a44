"""This checkout's own modules, as its commands import them: imported once, by the process that forks the commands under test.

Not what each command reads again: the contracts of sources, and SQLMesh's project.
"""

import gc
import importlib
import pkgutil

PACKAGES = ("foundation", "warehouse", "dlt_sources._steps", "dlt_sources._new", "soda_checks", "runtime")
DOORS = ("dlt_sources.door", "sqlmesh_project.door", "sqlmesh_project.apply", "runner")


def load() -> None:
    """Import them."""
    for package in PACKAGES:
        folder = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(folder, f"{package}."):
            importlib.import_module(module.name)
    for door in DOORS:
        importlib.import_module(door)


load()
gc.collect()
gc.freeze()
