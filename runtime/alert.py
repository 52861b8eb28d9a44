"""Tell the team that a run failed, wherever it reads: any Apprise URL (mail, Slack, Teams, a webhook ...)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settings import Settings
    from warehouse.ops import Run

log = logging.getLogger(__name__)


def alert(run: Run, settings: Settings) -> bool:
    """Send what went wrong to every URL in ``ELT_ALERT_URLS``; False when one of them could not be reached.

    A failing alert never changes how the run ends.
    """
    urls = [url.strip() for url in settings.alert_urls.get_secret_value().split(",") if url.strip()]
    if not urls:
        return True
    import apprise

    messenger = apprise.Apprise()
    messenger.add(urls)
    title = f"Millrace: {run.asked.replace(',', ', ')} failed (exit code {run.exit_code})"
    sent = bool(
        messenger.notify(title=title, body="\n".join(run.problems) + f"\nrun {run.run_id}: python runner.py status")
    )
    if not sent:
        log.warning("an alert could not be delivered; check ELT_ALERT_URLS")
    return sent
