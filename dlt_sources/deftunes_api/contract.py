"""What a row of the DeFtunes API is. See README.md for the source's habits."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from dlt_sources.contract import Contract, checked_only, column

Uuid = Annotated[str, Field(max_length=36, pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
TrackId = Annotated[str, Field(max_length=18, pattern=r"^TR[0-9A-Z]{16}$")]
ArtistId = Annotated[str, Field(max_length=18, pattern=r"^AR[0-9A-Z]{16}$")]


class User(Contract):
    """One DeFtunes account."""

    user_id: Uuid = column("The account")
    user_name: str = column("Given name", pii="keep", min_length=1, max_length=100)
    user_lastname: str = column("Family name", pii="keep", min_length=1, max_length=100)
    user_since: datetime = column("When the account was made; UTC (the API names no zone); may lie after a session")
    latitude: float = column("Latitude of the account's place", path="user_location[0]", unit="degrees", ge=-90, le=90)
    longitude: float = column(
        "Longitude of the account's place", path="user_location[1]", unit="degrees", ge=-180, le=180
    )
    place_name: str = column("Town of the account", path="user_location[2]", min_length=1, max_length=200)
    country_code: str = column(
        "Country of the account, ISO 3166-1 alpha-2", path="user_location[3]", max_length=2, pattern=r"^[A-Z]{2}$"
    )
    timezone: str = column("Time zone of the account, IANA name", path="user_location[4]", min_length=1, max_length=64)


class Session(Contract):
    """One listening session in which songs may have been bought."""

    session_id: Uuid = column("The session")
    user_id: Uuid = column("The account; it may be unknown to /users")
    user_agent: str | None = column("The browser's own words", max_length=500)
    session_start_time: datetime = column("When the session began; UTC")
    session_items: list[Any] = checked_only("The purchases; an empty list is a session without one")


class SessionItem(Contract):
    """One purchased track of a session."""

    session_id: Uuid = column("The session", path="_parent.session_id")
    user_id: Uuid = column("The account", path="_parent.user_id")
    session_start_time: datetime = column("When the session began; UTC", path="_parent.session_start_time")
    item_number: int = column("Place in the session, from 0", path="_index", ge=0)
    song_id: TrackId = column("The TRACK bought: the API calls it song_id, the catalogue track_id (TR...)")
    song_name: str = column("Title as shown at the purchase", min_length=1, max_length=500)
    artist_id: ArtistId = column("The artist")
    artist_name: str = column("Artist as shown at the purchase", min_length=1, max_length=500)
    price: Decimal = column("Price paid", unit="USD", gt=0, le=2, max_digits=10, decimal_places=2)
    currency: Literal["USD"] = column("Currency of the price, ISO 4217")
    liked: bool = column("Whether the listener likes the track")
    liked_since: datetime | None = column("When it was liked; UTC; often after the session")
