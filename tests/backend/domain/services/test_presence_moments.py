"""Which goodbye counts when clocks differ, and when another device is meant meanwhile."""

from datetime import timedelta

import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_engines.models.telemetry import Availability, Probe, ProbeFields
from tests.backend.domain.services.test_presence import PH, gone_since, say, two_probes
from tests.backend.garden import Garden


def begin_anew(garden: Garden, probe: Probe, change: str) -> None:
    """Let another device be meant by a probe, or the same be heard in another way."""
    context, probes = garden.context(role=Role.ADMIN), garden.services.probe
    if change == "availability":
        there = Availability(topic="x/LWT").model_dump()
        probes.update(context, probe.key, {"availability": there})
    elif change == "topic":
        probes.update(context, probe.key, {"channels": [{"kind": "ph", "topic": "other"}]})
    elif change == "exchange":
        probes.replace_device(context, probe.key)
    else:
        probes.archive(context, probe.key)
        garden.wait(minutes=1)
        fields = {name: getattr(probe, name) for name in ProbeFields.model_fields}
        probes.create(garden.context(role=Role.ADMIN), ProbeFields(**fields), probe.key)


ANEW = pytest.mark.parametrize("change", ["availability", "topic", "exchange", "archive"])


@ANEW
def test_another_device_or_another_way_to_hear_it_begins_anew(garden: Garden, change: str) -> None:
    _, old, _ = two_probes(garden, 6.0, 6.2)
    say(garden, old)
    garden.wait(minutes=1)

    begin_anew(garden, old, change)

    assert gone_since(garden, old) is None


@ANEW
def test_a_goodbye_of_before_is_none_of_the_new_device(garden: Garden, change: str) -> None:
    _, old, _ = two_probes(garden, 6.0, 6.2)
    heard_at = garden.now
    garden.wait(minutes=1)
    begin_anew(garden, old, change)
    garden.wait(minutes=1)

    told_late = say(garden, old, ago_s=(garden.now - heard_at).total_seconds())

    assert (told_late, gone_since(garden, old)) == (0, None)
    garden.wait(seconds=1)
    assert say(garden, old) == 1, "its own goodbye counts"
    assert gone_since(garden, old) == garden.now


def test_a_goodbye_by_a_clock_that_is_ahead_is_one_of_now(garden: Garden) -> None:
    _, old, _ = two_probes(garden, 6.0, 6.2)
    ahead = timedelta(minutes=5)
    heard_at = garden.now + ahead - timedelta(minutes=4)
    garden.measure(old, PH, 6.1, at=heard_at, received_at=heard_at)

    assert say(garden, old, ago_s=-ahead.total_seconds()) == 1

    assert gone_since(garden, old) == garden.now
    garden.wait(minutes=1)
    back_at = garden.now + ahead
    garden.measure(old, PH, 6.1, at=back_at, received_at=back_at)
    assert gone_since(garden, old) is None


def test_a_device_that_is_back_by_a_clock_that_is_ahead_is_back(garden: Garden) -> None:
    _, old, _ = two_probes(garden, 6.0, 6.2)
    say(garden, old, ago_s=-300)
    garden.wait(minutes=1)

    assert say(garden, old, online=True, ago_s=-300) == 1
    assert say(garden, old, ago_s=-300) == 1, "and goes again"

    assert gone_since(garden, old) == garden.now


def test_the_clock_of_whoever_listens_may_be_a_little_ahead(garden: Garden) -> None:
    _, old, _ = two_probes(garden, 6.0, 6.2)
    heard_at, said_at = (garden.now + timedelta(seconds=ahead_s) for ahead_s in (59, 60))
    garden.measure(old, PH, 6.1, at=heard_at, received_at=heard_at)

    assert say(garden, old, ago_s=-60) == 1

    assert gone_since(garden, old) == said_at
