"""Names as they stand in addresses."""

import re
import unicodedata

MAX_SLUG = 50
"""Longest slug that is made from a name; a number may follow it."""

_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o"})


def slug_of(name: str) -> str:
    """Return a name in lower-case letters, digits and hyphens: "Omas Gärtchen" is `omas-gaertchen`.

    A name without any Latin letter or digit gives `garden`.
    """
    spelled = name.lower().translate(_SPELLED_OUT)
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_SLUG].strip("-")
    return slug or "garden"
