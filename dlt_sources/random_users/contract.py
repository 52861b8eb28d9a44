"""What a random user is. Credentials never leave refine. See README.md for the source's habits."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from dlt_sources.contract import Contract, column

Uuid = Annotated[str, Field(max_length=36, pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]


class Person(Contract):
    """One person who signed up (randomuser.me, version 1.4)."""

    person_id: Uuid = column("The person", path="login.uuid")
    first_name: str = column("Given name", path="name.first", pii="keep", min_length=1, max_length=100)
    last_name: str = column("Family name", path="name.last", pii="keep", min_length=1, max_length=100)
    title: str | None = column("Form of address", path="name.title", max_length=30, default=None)
    gender: str | None = column("Gender as the API says it", max_length=20, default=None)
    city: str | None = column("Town", path="location.city", max_length=100, default=None)
    state: str | None = column("State or region", path="location.state", max_length=100, default=None)
    country: str = column("Country, in words", path="location.country", min_length=1, max_length=100)
    postcode: str | None = column(
        "Postcode; a number or a text in the API",
        path="location.postcode",
        max_length=20,
        default=None,
        coerce_numbers_to_str=True,
    )
    nat: str | None = column("Nationality, ISO 3166-1 alpha-2", max_length=2, default=None)
    registered_at: datetime = column("When the person signed up, UTC", path="registered.date")
    email: str = column("E-mail address", pii="hash", min_length=3, max_length=320)
    phone: str | None = column("Phone", pii="hash", max_length=50, default=None)
    cell: str | None = column("Mobile phone", pii="hash", max_length=50, default=None)
    username: str | None = column("Login name", path="login.username", pii="hash", max_length=100, default=None)
    birth_date: str | None = column("Date of birth", path="dob.date", pii="drop", default=None)
    national_id: str | None = column("Number of an identity document", path="id.value", pii="drop", default=None)
    password: str | None = column("Password in clear", path="login.password", pii="drop", default=None)
    salt: str | None = column("Salt of the password", path="login.salt", pii="drop", default=None)
    md5: str | None = column("Hash of the password", path="login.md5", pii="drop", default=None)
    sha1: str | None = column("Hash of the password", path="login.sha1", pii="drop", default=None)
    sha256: str | None = column("Hash of the password", path="login.sha256", pii="drop", default=None)
