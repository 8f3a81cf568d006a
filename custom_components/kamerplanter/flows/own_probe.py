"""What the dialogs of tanks and places share: one probe of their own, written along with them."""

from collections.abc import Callable, Mapping
from typing import Any, override

from kamerplanter_backend.client.protocol import Request
from kamerplanter_backend.client.requests import CreateProbe
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.models.telemetry import Probe, ProbeFields

from ..const import CONF_KEY, CONF_PROBE_KEY  # noqa: TID252 - the neighbours import alike
from ..meanwhile import Changes, Edit, check_clashes, found  # noqa: TID252
from .manage_steps import ManageSteps


class OwnProbeFlow(ManageSteps):
    """Adds or changes something that may have a probe of its own."""

    _probe_key: str | None = None
    """Its probe; none = it has none yet."""
    _archived_key: str | None = None
    """The probe that it had before, which is taken out of the archive."""

    def __init__(self) -> None:
        super().__init__()
        self._edit = Edit({})
        self._shown: dict[str, Any] = {}

    @property
    @override
    def calibrated_probe_key(self) -> str:
        return self._probe_key or ""

    @override
    def bindings(self) -> dict[str, Any]:
        own = {} if self._probe_key is None else {CONF_PROBE_KEY: self._probe_key}
        return super().bindings() | own

    async def garden_around(self) -> GardenSnapshot:
        """Take in what the subentry is about, and return the garden that it is in."""
        data = self._get_reconfigure_subentry().data
        self.key, self._probe_key = data[CONF_KEY], data.get(CONF_PROBE_KEY)
        return await self.snapshot()

    def own_probe(self, garden: GardenSnapshot) -> Probe | None:
        """Return its probe; none = it has none, or that is not in the garden any more."""
        view = garden.probe(self._probe_key) if self._probe_key else None
        return None if view is None else view.probe

    async def write_changes(
        self,
        change_of: Callable[[GardenSnapshot], tuple[Changes, Request[Any]]],
        fields: ProbeFields,
        shown_of: Callable[[GardenSnapshot], Mapping[str, Any]],
    ) -> list[Any]:
        """Write what the person changed of the thing and of its probe, or add the probe.

        Args:
            change_of: Returns what was changed of the thing, and what writes that.
            fields: The probe that was put together.
            shown_of: Returns the thing as the form shows it.

        Returns:
            What was written, the probe too unless it is new.

        Raises:
            FormError: It was refused, or somebody else changed the same; that is said by name.
        """

        def requests(garden: GardenSnapshot) -> list[Request[Any]]:
            changes, request = change_of(garden)
            own = [request] if changes.parts else []
            if self._probe_key is None:
                check_clashes(changes)
                return own
            probe = found(garden.probe(self._probe_key), "probes", self._probe_key).probe
            of_probe = self.probe_changes(fields, probe)
            check_clashes(changes, of_probe)
            return [*own, *self.change_requests(probe, of_probe)]

        answers = await self.write(requests, shown_of)
        if self._probe_key is None:
            await self.add_probe(fields)
        else:
            self.take_over_written(self._probe_key, answers)
        return answers

    async def add_probe(self, fields: ProbeFields) -> None:
        """Add the probe, unless it measures nothing.

        Raises:
            FormError: It was refused; nothing was written.
        """
        if fields.channels:
            probe = await self.ask(CreateProbe(fields=fields, key=self._archived_key))
            self._probe_key = probe.key
