"""Where the devices of a garden speak: each garden has a part of the broker's topics for itself.

A probe binds `tent/ph`; its device publishes on `<prefix>/<slug of the garden>/tent/ph`. So no
garden can bind what another one says, and a broker's access list needs one line for each garden.
"""

from typing import Final

from kamerplanter_backend.telemetry.broker.settings import is_topic_filter

_WILDCARDS: Final = frozenset("+#")
LONGEST_PREFIX: Final = 200
OWN_LEVEL: Final = "$ingest"
"""Where the worker speaks to itself; no slug begins with a dollar."""


def full_topic(prefix: str, slug: str, topic: str) -> str | None:
    """Return the broker's topic for one that a probe binds; none = it cannot be heard.

    Wildcards are refused, since what they stand for is not known when the probe is bound. What
    means something elsewhere (`..`, `$share`, a slash in front) is a plain level behind the slug.
    """
    full = f"{prefix}/{slug}/{topic}"
    if not topic or not _WILDCARDS.isdisjoint(full) or not is_topic_filter(full):
        return None
    return full


def mark_topic(prefix: str, client_id: str) -> str:
    """Return the topic on which a worker speaks to itself."""
    return f"{prefix}/{OWN_LEVEL}/{client_id}"


def is_prefix(text: str) -> bool:
    """Tell whether a text can stand before the topics of all gardens."""
    levels = text.split("/")
    return (
        len(text) <= LONGEST_PREFIX
        and all(levels)
        and not text.startswith("$")
        and _WILDCARDS.isdisjoint(text)
        and is_topic_filter(text)
    )
