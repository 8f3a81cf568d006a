"""Notices a message that only says again what has just been judged as good.

Devices with a fixed pace, bridges and QoS 1 repeat themselves: each value would be read and judged
only to find that it is a repeat.
"""

from collections.abc import Sequence
from datetime import datetime

from kamerplanter_engines.models.telemetry import Verdict
from kamerplanter_engines.telemetry_engine import Judged, Sample


class NewestMessages:
    """Of each topic the newest message, if all of it was good, new and timed by its receipt.

    Args:
        within_s: An equal value less than this away is the same reading. [s]
    """

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._newest: dict[str, tuple[bytes | str, datetime, object]] = {}

    def note(
        self,
        topic: str,
        payload: bytes | str,
        samples: Sequence[Sample],
        judged: Sequence[Judged],
        memory: object,
    ) -> None:
        """Remember a message, with the memory that judging it has left."""
        is_plain = 0 < len(samples) == len(judged)
        for item in judged:
            if (
                item.verdict is not Verdict.GOOD
                or item.is_repeat
                or item.at is not item.received_at
            ):
                is_plain = False
        if is_plain:
            self._newest[topic] = (payload, samples[0].received_at, memory)
        else:
            self._newest.pop(topic, None)

    def is_repeated(
        self, topic: str, payload: bytes | str, received_at: datetime, memory: object
    ) -> bool:
        """Tell whether judging a message would only find that each of its values is a repeat.

        Args:
            topic: Where it came.
            payload: As it came.
            received_at: When it came, UTC.
            memory: What is known before it; another than was left changes what is a repeat.
        """
        newest = self._newest.get(topic)
        if newest is None or newest[0] != payload or newest[2] is not memory:
            return False
        return 0 <= (received_at - newest[1]).total_seconds() < self._within_s

    def forget(self) -> None:
        """Forget all: the bindings have changed."""
        self._newest.clear()
