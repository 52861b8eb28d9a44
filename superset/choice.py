"""Whose dashboards a command means: the user's own, or the demo's."""

from __future__ import annotations

import settings as configuration
from foundation.console import Console
from foundation.environment import current, demo_folder, demo_in, use_demo
from settings import Dashboards


def chosen(demo: bool) -> Dashboards:
    """The settings of the user's own dashboards; of the demo's if asked for, or if only the demo has published anything.

    Says which, where there is a choice.

    Raises:
        SettingsError: a setting cannot be used.
    """
    console = Console()
    if not demo:
        own = configuration.load_dashboards()
        if own.target != "local" or current().demo or own.serving.exists() or not _demo_has_published():
            if own.target == "local":
                console.note(f"these are the dashboards of the data in {own.data}")
            return own
        console.note(f"nothing of your own is published in {own.data} yet: these are the demo's dashboards")
    use_demo()
    settings = configuration.load_dashboards()
    console.note(f"the demo's data is in {settings.data}")
    return settings


def _demo_has_published() -> bool:
    folder = demo_folder()
    return demo_in(folder) is not None and (folder / "serving.duckdb").exists()
