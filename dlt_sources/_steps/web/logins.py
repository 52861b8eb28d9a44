"""How a request says who asks: what ``auth`` in a ``source.yml`` declares, by dlt's own classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import requests

from settings import Settings

from ..declared.connections import Auth, BasicAuth, BearerAuth, ClientCredentials, HttpConnection, RestConnection
from ..declared.placeholders import expand, fill
from ..declared.source_error import NEXT, SourceError, quote_url

if TYPE_CHECKING:
    from requests.auth import AuthBase

MARGIN = 10
"""Seconds before its end at which a token is no longer sent: the request takes its time."""


def make_login(
    auth: Auth, connection: HttpConnection, settings: Settings, open_session: Callable[..., requests.Session]
) -> AuthBase:
    """What puts the login on each request of a session.

    Args:
        connection: the source's: a server of tokens is asked with the same patience.
        open_session: makes a session with a server (`http.session`).
    """
    from dlt.sources.helpers.rest_client.auth import BearerTokenAuth, HttpBasicAuth

    if isinstance(auth, BearerAuth):
        return BearerTokenAuth(token=expand(auth.token, settings))
    if isinstance(auth, BasicAuth):
        return HttpBasicAuth(expand(auth.username, settings), expand(auth.password, settings))
    return _fetch_tokens(auth, connection, settings, open_session)


def settings_of(auth: Auth | None) -> list[str]:
    """The values of a login that may be names of settings."""
    return [value for value in auth.model_dump().values() if isinstance(value, str)] if auth else []


def _fetch_tokens(
    auth: ClientCredentials,
    connection: HttpConnection,
    settings: Settings,
    open_session: Callable[..., requests.Session],
) -> AuthBase:
    import pendulum
    from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials

    class Tokens(OAuth2ClientCredentials):
        """As dlt's, but a token that is about to expire is not sent, and a lifetime that says nothing is passed over."""

        def is_token_expired(self) -> bool:
            return bool(pendulum.now().add(seconds=MARGIN) >= self.token_expiry)

        def parse_expiration_in_seconds(self, response_json: Any) -> int:
            try:
                return int(float(response_json["expires_in"]))
            except (KeyError, TypeError, ValueError, OverflowError):
                return int(self.default_token_expiration)

    patience = {name: getattr(connection, name) for name in ("timeout", "attempts", "backoff")}
    server = RestConnection(base_url=auth.access_token_url, **patience)
    address = expand(auth.access_token_url, settings)
    return Tokens(
        access_token_url=address,
        client_id=expand(auth.client_id, settings),
        client_secret=expand(auth.client_secret, settings),
        access_token_request_data=fill(auth.access_token_request_data, settings),
        default_token_expiration=auth.default_token_expiration,
        session=open_session(server, settings, address, _find_fault, secrets=[auth.client_id, auth.client_secret]),
    )


def _find_fault(answer: requests.Response) -> SourceError | None:
    """Why a successful answer gives no token, or None."""
    try:
        content = answer.json()
    except ValueError:
        content = None
    token = content.get("access_token") if isinstance(content, dict) else None
    if isinstance(token, str) and token and token.isascii() and token.isprintable():
        return None
    return SourceError(f"{quote_url(answer.url)}: the answer holds no `access_token`; {NEXT}", lasting=True)
