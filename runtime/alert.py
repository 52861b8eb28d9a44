"""Tell the team that a run failed, wherever it reads: any Apprise URL (mail, Slack, Teams, a webhook ...).

Besides the team, which hears of every failure, a source may name addresses of its own in ``source.yml``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from foundation.hidden import remember

if TYPE_CHECKING:
    from dlt_sources.door import Alerts
    from settings import Settings
    from warehouse.ops import Run

log = logging.getLogger(__name__)


def alert(run: Run, settings: Settings) -> bool:
    """Send what went wrong to every URL in ``ELT_ALERT_URLS``; False when one of them could not be reached.

    A failing alert never changes how the run ends.
    """
    title = f"Millrace: {run.asked.replace(',', ', ')} failed (exit code {run.exit_code})"
    urls = settings.alert_urls.get_secret_value()
    return _send(urls, title, [*run.problems, _run(run)], "ELT_ALERT_URLS")


def find_addresses(run: Run) -> dict[str, Alerts]:
    """The sources of the run that have addresses of their own, also where the rest of the declaration is broken."""
    from dlt_sources.door import read_alerts

    found = {name: read_alerts(name) for name in [*run.sources, *run.broken]}
    return {name: alerts for name, alerts in found.items() if alerts.failure or alerts.success}


def alert_sources(run: Run, sources: Mapping[str, Alerts], settings: Settings) -> bool:
    """Send to each source's own addresses how it fared in the run; False when one of them could not be reached.

    Args:
        sources: the addresses of the sources with something to say.
    """
    sent = True
    for name, alerts in sources.items():
        if troubles := run.troubles.get(name):
            title, lines, variables = f"Millrace: {name} failed", troubles, alerts.failure
        else:
            landed, accepted, rejected = run.counts.get(name, (0, 0, 0))
            title, variables = f"Millrace: {name} ran without trouble", alerts.success
            lines = [f"landed {landed} rows, accepted {accepted}, rejected {rejected}"]
        for variable in variables:
            sent = _send_to_setting(variable.strip("${}"), title, [*lines, _run(run)], settings) and sent
    return sent


def alert_drift(run: Run, sources: Mapping[str, Alerts], settings: Settings) -> bool:
    """Send what changed in sources to the team, and to whom a source names for its failures; False when somebody could not be
    reached. Nothing failed: the run ends as it would.
    """
    sent = True
    for name, lines in run.news.items():
        title, text = f"Millrace: {name} sends other fields than its contract declares", [*lines, _run(run)]
        sent = _send(settings.alert_urls.get_secret_value(), title, text, "ELT_ALERT_URLS") and sent
        for variable in sources[name].failure if name in sources else []:
            sent = _send_to_setting(variable.strip("${}"), title, text, settings) and sent
    return sent


def _send_to_setting(name: str, title: str, lines: Iterable[str], settings: Settings) -> bool:
    """Send to the URLs that a setting holds."""
    from settings import SettingsError

    try:
        return _send(settings.lookup(name), title, lines, f"ELT_{name.upper()}")
    except SettingsError as error:
        log.warning("an alert could not be delivered: %s", error)
        return False


def _send(urls: str, title: str, lines: Iterable[str], setting: str) -> bool:
    found = [url.strip() for url in urls.split(",") if url.strip()]
    if not found:
        return True
    import apprise

    for url in found:
        remember(url.partition("://")[2])  # Apprise's addresses are tokens all over
    messenger = apprise.Apprise()
    usable = messenger.add(found)
    sent = bool(messenger.notify(title=title, body="\n".join(lines))) and bool(usable)
    if not sent:
        log.warning("an alert could not be delivered; check %s", setting)
    return sent


def _run(run: Run) -> str:
    return f"run {run.run_id}: python runner.py status"
