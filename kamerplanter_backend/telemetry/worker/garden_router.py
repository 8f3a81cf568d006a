"""Brings each message to the probes that bind its topic, in whatever garden; lives on the loop."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from kamerplanter_backend.common.log_context import noted
from kamerplanter_backend.telemetry.probe.presence_notes import Said
from kamerplanter_backend.telemetry.worker.garden_directory import Directory
from kamerplanter_backend.telemetry.worker.garden_topics import full_topic
from kamerplanter_backend.telemetry.worker.live_garden import LiveGarden, Route, Taken
from kamerplanter_backend.telemetry.worker.metrics import Counts, Drop
from kamerplanter_engines.models.presence import MOST_SAID
from kamerplanter_engines.models.telemetry import Verdict

_LOGGER = logging.getLogger(__name__)

COLLECT_AT: Final = 1_000
"""So many readings of one probe do not wait in its intake, which holds no more than 2,000."""
MOST_LEFT_TOPICS: Final = 10_000


class GardenRouter:
    """The live side of all gardens.

    Args:
        prefix: Stands before the topics of all gardens.
        started_at: When the worker began to listen, UTC.
        counts: What is counted.
        leave: Called with a topic that nobody listens to any more.
    """

    def __init__(
        self,
        prefix: str,
        started_at: datetime,
        counts: Counts,
        leave: Callable[[bytes], None],
    ) -> None:
        self._prefix = prefix
        self._started_at = started_at
        self._counts = counts
        self._leave_topic = leave
        self._routes: dict[bytes, tuple[Route, ...]] = {}
        self._left_topics: set[bytes] = set()
        self._refused: set[str] = set()
        self.gardens: dict[str, LiveGarden] = {}
        self.waiting = 0
        """Readings that were judged and are not stored yet."""

    @property
    def topics(self) -> list[str]:
        """What is to be subscribed to."""
        return [topic.decode() for topic in self._routes]

    @property
    def refused_count(self) -> int:
        """How many topics cannot be heard: they hold wildcards, or the broker refuses them."""
        return len(self._refused)

    def on_message(
        self, topic: bytes, payload: bytes, now: datetime, *, retained: bool, is_replay: bool
    ) -> None:
        """Take in one message; one garden's fault stays its own."""
        routes = self._routes.get(topic)
        if routes is None:
            self._leave(topic)
            return
        counts = self._counts
        for route in routes:
            garden = route.garden
            counts.messages[garden.entry.slug] += 1
            if garden.entry.is_suspended:
                counts.dropped[Drop.SUSPENDED] += 1
                continue
            try:
                if is_replay and not retained and not route.has_own_time(payload, now):
                    # It may be old: it explains, like a retained one, and decides nothing.
                    counts.dropped[Drop.REPLAYED] += 1
                    self._judge(route, payload, now, retained=True)
                else:
                    self._judge(route, payload, now, retained=retained)
            except Exception as error:  # noqa: BLE001 (said once, counted, stays its own)
                self._crashed(garden, error)

    def _judge(self, route: Route, payload: bytes, now: datetime, *, retained: bool) -> None:
        intake = route.intake
        judged = intake.on_message(route.topic, payload, retained=retained, received_at=now)
        garden = route.garden
        garden.presences.note(intake.probe.key, now, online=intake.available)
        if not judged:
            return
        good = waiting = 0
        for item in judged:
            if not item.reasons:
                good += 1
            else:
                self._counts.verdicts[item.verdict] += 1
                for reason in item.reasons:
                    self._counts.reasons[item.verdict, reason] += 1
            if item.value is not None and not item.is_repeat:
                waiting += 1
        self._counts.verdicts[Verdict.GOOD] += good
        self.waiting += waiting
        garden.touched.add(intake)
        if intake.pending_count >= COLLECT_AT:
            garden.collect(intake)

    def _crashed(self, garden: LiveGarden, error: Exception) -> None:
        self._counts.dropped[Drop.CRASHED] += 1
        if not garden.has_crashed:
            garden.has_crashed = True
            with noted(tenant_slug=garden.entry.slug):
                _LOGGER.error(
                    "A message of garden %s could not be judged; further ones are counted",
                    garden.entry.slug,
                    exc_info=error,
                )

    def _leave(self, topic: bytes) -> None:
        """Hear no more of what the broker remembers from before."""
        if topic not in self._left_topics and len(self._left_topics) < MOST_LEFT_TOPICS:
            self._left_topics.add(topic)
            self._leave_topic(topic)

    def take(self) -> dict[str, Taken]:
        """Hand over what has been judged since, by garden."""
        found = ((key, garden.take()) for key, garden in self.gardens.items())
        return {key: taken for key, taken in found if taken}

    def take_presences(self) -> dict[str, Said]:
        """Hand over which devices came or went, by garden, as if it were told."""
        gardens = self.gardens.items()
        found = ((key, item.presences.take(MOST_SAID)) for key, item in gardens)
        return {key: said for key, said in found if said}

    def give_back_presences(self, untold: Mapping[str, Said]) -> None:
        """Take back what could not be told."""
        for key, said in untold.items():
            if (garden := self.gardens.get(key)) is not None:
                garden.presences.give_back(said)

    def log_notices(self) -> None:
        """Say what is wrong with values, once for each channel and reason."""
        for garden in self.gardens.values():
            for intake in garden.intakes.values():
                for notice in intake.take_notices():
                    with noted(tenant_slug=garden.entry.slug):
                        _LOGGER.warning(
                            "Garden %s, probe %s, %s: %s",
                            garden.entry.slug,
                            intake.probe.name,
                            notice.kind,
                            notice.sentence,
                        )

    def on_connection(self, *, connected: bool) -> None:
        """Tell the intakes that the broker was lost or is back."""
        for garden in self.gardens.values():
            for intake in garden.intakes.values():
                intake.on_connection(connected=connected)

    def on_refused_topic(self, topic: str) -> None:
        """Note that the broker's access list keeps us from a topic."""
        self._refuse(topic, "The broker does not let us hear %s: see its access list")

    def _refuse(self, topic: str, why: str) -> None:
        if topic not in self._refused:
            self._refused.add(topic)
            _LOGGER.warning(why, repr(topic[:200]))

    def apply(self, directory: Directory, now: datetime) -> None:
        """Follow the gardens and probes of the store."""
        for key in self.gardens.keys() - directory.gardens.keys():
            del self.gardens[key]
        for key, entry in directory.gardens.items():
            garden = self.gardens.get(key)
            if garden is None:
                garden = self.gardens[key] = LiveGarden(entry, self._started_at)
            garden.entry = entry
            if key in directory.read:
                garden.sync(directory.read[key], now)
        routes: dict[bytes, list[Route]] = {}
        for garden in self.gardens.values():
            for route in garden.routes():
                full = full_topic(self._prefix, garden.entry.slug, route.topic)
                if full is None:
                    name = f"{garden.entry.slug}/{route.topic}"
                    self._refuse(name, "Topic %s cannot be heard: it must be without + and #")
                else:
                    routes.setdefault(full.encode(), []).append(route)
        self._routes = {topic: tuple(found) for topic, found in routes.items()}
        self._left_topics -= self._routes.keys()
