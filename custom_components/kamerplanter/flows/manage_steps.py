"""What can be done with a probe that exists: change it, calibrate it, replace its device."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, override

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.helpers.selector import BooleanSelector, DateTimeSelector, TextSelector
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.protocol import Request
from kamerplanter_backend.client.requests import ReplaceProbe, UpdateProbe
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.telemetry.calibration.draft import calibratable, grows_due
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.base import Instant
from kamerplanter_engines.models.calibration import Calibration
from kamerplanter_engines.models.telemetry import Probe, ProbeFields

from ..meanwhile import (  # noqa: TID252 - the neighbours import alike
    Changes,
    ClashError,
    Edit,
    parts_of,
    patch_onto,
    write_fresh,
)
from ..moments import moment_of  # noqa: TID252
from ..schema import vol  # noqa: TID252
from ..texts import Texts  # noqa: TID252
from .base import FormError, form_error_of
from .bindings import BindingSteps
from .calibration_days import CalibrationDays
from .calibration_steps import CalibrationSteps
from .clash_words import clash_words
from .forms import text_of

_REPLACEMENT = vol.Schema(
    {
        vol.Optional("at"): DateTimeSelector(),
        vol.Optional("note"): TextSelector(),
        vol.Optional("other_source", default=False): BooleanSelector(),
    }
)


class _Swap(NamedTuple):
    """What is known of the new device."""

    at: Instant | None
    note: str | None


class ManageSteps(CalibrationDays, BindingSteps, CalibrationSteps):
    """Asks first what a person wants to do with something that has a probe."""

    _managed: tuple[str, Probe] | None = None
    _swap: _Swap | None = None
    """What is known of the new device; none = the device stays."""
    _probe_edit: Edit = Edit({})
    """The probe that the dialog began with; empty = there was none."""
    _seen: GardenSnapshot | None = None

    @abstractmethod
    async def ask_thing(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        """Ask what it is, beside what is measured; each dialog has its own form."""

    @abstractmethod
    async def write_all(self) -> str:
        """Write what was asked and put together; return what it is called now.

        Raises:
            FormError: It was refused, or nothing is measured where something has to be.
        """

    async def async_step_change(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the form with what is known."""
        return await self.ask_thing("reconfigure", None)

    @override
    async def async_step_finish(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Write everything, then the subentry."""
        try:
            name = await self.write_all()
        except FormError as error:
            self.note(error)
            return await self.async_step_values()
        return self.end(name, self.bindings())

    async def manage(self, name: str, probe: Probe | None) -> SubentryFlowResult:
        """Begin with what is bound, and ask what to do; without a probe there is only the form.

        Args:
            name: Of what is managed; its probe is called alike as soon as it is renamed.
            probe: What measures there.
        """
        if probe is not None:
            self.take_over(probe)
            opened = parts_of(probe)
            self._probe_edit = Edit(opened, {**opened, "name": name})
        if probe is None or not probe.channels:
            return await self.async_step_change()
        self._managed = (name, probe)
        return await self.async_step_manage()

    async def async_step_manage(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what to do."""
        assert self._managed is not None  # noqa: S101 - set before this step
        name, probe = self._managed
        self._days_of = probe
        can_calibrate = ["calibrate"] if calibratable(probe) else []
        grows_old = ["calibration_days"] if grows_due(probe) else []
        return self.async_show_menu(
            step_id="manage",
            menu_options=["change", *can_calibrate, *grows_old, "replace"],
            description_placeholders={"name": name},
        )

    async def async_step_replace(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask since when there is another device, and whether it sends elsewhere."""
        if user_input is not None:
            try:
                swap = _Swap(_instant(user_input.get("at")), text_of(user_input, "note"))
                if user_input.get("other_source", False):
                    self._swap = swap
                    return await self.async_step_change()
                await self.ask(
                    ReplaceProbe(probe_key=self.calibrated_probe_key, at=swap.at, note=swap.note)
                )
            except FormError as error:
                self.note(error, _REPLACEMENT.schema)
            else:
                return self.async_abort(reason="probe_replaced")
        return self.show("replace", _REPLACEMENT, user_input, last_step=None)

    def probe_changes(self, fields: ProbeFields, now: ProbeFields) -> Changes:
        """Return what the person changed of the probe."""
        return self._probe_edit.changes(parts_of(fields), parts_of(now))

    def change_requests(self, now: Probe, changes: Changes) -> list[Request[Any]]:
        """Return what writes the changed probe, and that its device is another, in one go."""
        patch = patch_onto(now, changes.parts)
        if self._swap is not None:
            at, note = self._swap
            return [
                ReplaceProbe(
                    probe_key=now.key,
                    patch=patch,
                    at=at,
                    note=note,
                    expected_revision=now.revision,
                )
            ]
        if not patch:
            return []
        return [UpdateProbe(key=now.key, patch=patch, expected_revision=now.revision)]

    async def write(
        self,
        requests_of: Callable[[GardenSnapshot], Iterable[Request[Any]]],
        shown_of: Callable[[GardenSnapshot], Mapping[str, Any]] | None = None,
    ) -> list[Any]:
        """Do what follows from the garden as it is now.

        Args:
            requests_of: Returns what to do.
            shown_of: Returns what is there as the form shows it.

        Raises:
            FormError: It was refused, or somebody else changed the same; that is said by name.
        """

        def seen(garden: GardenSnapshot) -> Iterable[Request[Any]]:
            self._seen = garden
            return requests_of(garden)

        try:
            return await write_fresh(self.entry.runtime_data.garden, seen)
        except ClashError as clash:
            shown = None if shown_of is None else shown_of(self.seen)
            texts = await Texts.async_load(self.hass)
            found = clash_words(texts, clash.now, self.seen, shown)
            raise FormError("changed_meanwhile", placeholders={"found": found}) from clash
        except KamerplanterError as error:
            raise self.refused(error) from error

    @property
    def seen(self) -> GardenSnapshot:
        """The garden as it was just before the dialog wrote."""
        assert self._seen is not None  # noqa: S101 - `write` came before
        return self._seen

    def take_over_written(self, probe_key: str, answers: list[Any]) -> None:
        """Go on with the bindings as they are after writing, those that others changed too."""
        seen = self.seen.probe(probe_key)
        known = [] if seen is None else [seen.probe]
        for probe in [*known, *(item for item in answers if isinstance(item, Probe))][-1:]:
            self.take_over(probe)

    @override
    async def async_calibrated(self, calibration: Calibration) -> SubentryFlowResult:
        names = await self.kind_names()
        return self.async_abort(
            reason="calibrated",
            description_placeholders={"measurement": names[calibration.kind]},
        )


def _instant(text: str | None) -> Instant | None:
    """Return the moment of a date-time field, which has no zone: it means that of the house.

    Raises:
        FormError: The clock never shows it.
    """
    moment = None if text is None else dt_util.parse_datetime(text)
    try:
        return None if moment is None else moment_of(moment)
    except KamerplanterError as error:
        raise form_error_of(error) from error
