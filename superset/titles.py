"""What a model's dashboard is called: its title and its address, each given once."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .scripts.files import Document


def make_title(name: str, assets: Mapping[str, Document]) -> str:
    """The model's name in words; with the name itself where a dashboard or chart has this title."""
    domain, model = name.split(".")
    words = put_in_words(re.sub(r"^(dim|fact)_|_vw$", "", model))
    title = words if words.lower().startswith(domain.lower()) else f"{put_in_words(domain)}: {words.lower()}"
    given = {str(d.get(key)).lower() for d in assets.values() for key in ("dashboard_title", "slice_name") if key in d}
    return title if title.lower() not in given else f"{title} ({name})"


def make_slug(name: str, uuid: str, assets: Mapping[str, Document]) -> str:
    """The dashboard's place in addresses, of which Superset takes each once."""
    slug = re.sub(r"[._]", "-", name)
    return slug if slug not in {document.get("slug") for document in assets.values()} else f"{slug}-{uuid[:8]}"


def put_in_words(name: str) -> str:
    """A name as people write it."""
    return name.replace("_", " ").strip().capitalize()
