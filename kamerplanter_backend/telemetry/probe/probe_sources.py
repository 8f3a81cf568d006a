"""Where the values of one probe come from, and by which numbers they are judged."""

from collections.abc import Mapping, Sequence

from kamerplanter_backend.telemetry.messages.bystanders import Bystanders
from kamerplanter_backend.telemetry.messages.mapping import FieldReader
from kamerplanter_engines.models.telemetry import ChannelKind, Probe
from kamerplanter_engines.telemetry_engine import ChannelRules, rules_for


class ProbeSources:
    """The bindings of a probe as the intake needs them.

    Args:
        probe: The device and its bindings.
        plain_water: The tank holds water where an EC of 0 is a real value.
        stock_solution: The tank holds a concentrate.
    """

    def __init__(self, probe: Probe, *, plain_water: bool, stock_solution: bool) -> None:
        self.mqtt_kinds = {item.kind for item in probe.channels if item.topic is not None}
        self.rules: dict[ChannelKind, ChannelRules] = {
            binding.kind: rules_for(binding, plain_water=plain_water, stock_solution=stock_solution)
            for binding in probe.channels
        }
        by_topic: dict[str, list[FieldReader]] = {}
        by_entity: dict[str, list[FieldReader]] = {}
        for binding in probe.channels:
            reader = FieldReader(binding)
            if binding.topic is not None:
                by_topic.setdefault(binding.topic, []).append(reader)
            elif binding.entity_id is not None:
                by_entity.setdefault(binding.entity_id, []).append(reader)
        self.by_topic: Mapping[str, Sequence[FieldReader]] = by_topic
        self.by_entity: Mapping[str, Sequence[FieldReader]] = by_entity
        self.beside: Mapping[str, Bystanders] = {
            topic: Bystanders(topic, readers, self.rules, plain_water=plain_water)
            for topic, readers in by_topic.items()
        }
        """What else stands in the messages."""
        topics = set(by_topic)
        if probe.availability is not None:
            topics.add(probe.availability.topic)
        self.topics = tuple(sorted(topics))
        """Those to subscribe to, the one of the availability among them."""
        self.entity_ids = tuple(sorted(by_entity))
        """Those to follow."""
