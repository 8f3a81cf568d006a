"""A device that is replaced and sends elsewhere: all of it in one transaction, or nothing."""

import pytest
from pydantic import JsonValue

from kamerplanter_backend.client.handlers import handle
from kamerplanter_backend.client.requests import ReplaceProbe
from kamerplanter_backend.common.exceptions import BrokenReferenceError
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.backend.garden import Garden


def test_the_new_source_and_the_new_device_are_one_change(garden: Garden) -> None:
    probe = garden.probe(ChannelKind.EC)
    channels: JsonValue = [{"kind": "ec", "topic": "new/ec"}]

    after = handle(
        garden.services,
        garden.context(),
        ReplaceProbe(probe_key=probe.key, note="New", patch={"channels": channels}),
    )

    assert after.revision == probe.revision + 1
    assert after.key == probe.key
    assert [item.topic for item in after.channels] == ["new/ec"]
    assert [item.note for item in after.replacements] == ["New"]


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        ({"channels": [{"kind": "ec", "topic": "new/#"}]}, InvalidInputError),
        ({"colour": "red"}, InvalidInputError),
        ({"tank_key": "none"}, BrokenReferenceError),
    ],
)
def test_what_cannot_be_leaves_the_old_device(
    garden: Garden, patch: dict[str, JsonValue], error: type[Exception]
) -> None:
    probe = garden.probe(ChannelKind.EC)

    with pytest.raises(error):
        garden.services.probe.replace_device(garden.context(), probe.key, patch=patch)

    assert garden.services.probe.get(garden.context(), probe.key) == probe
