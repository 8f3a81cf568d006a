"""What may be asked of probes and measurements; `requests` names all of them."""

from datetime import date, datetime
from typing import Annotated, ClassVar, Self, override

from pydantic import FailFast, Field, JsonValue

from kamerplanter_backend.client.protocol import Command, Request
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_engines.models.base import Instant, Key, Reason, Remark
from kamerplanter_engines.models.calibration import Calibration, CalibrationFields, Calibrations
from kamerplanter_engines.models.hand_measurement import HandMeasurement, HandMeasurementFields
from kamerplanter_engines.models.presence import MOST_SAID, ProbePresenceFields
from kamerplanter_engines.models.solution_hold import SolutionHold, SolutionHoldFields
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, ProbeFields, Reading
from kamerplanter_engines.models.trust import Trend


class CreateProbe(Command[Probe]):
    """Add a probe; with the key of an archived one it is taken out of the archive."""

    permission: ClassVar[Permission] = Permission.PROBE_CREATE
    fields: ProbeFields
    key: Key | None = None


class UpdateProbe(Command[Probe]):
    """Change what is given of a probe (JSON merge patch)."""

    permission: ClassVar[Permission] = Permission.PROBE_UPDATE
    key: Key
    patch: dict[str, JsonValue]
    expected_revision: int | None = Field(default=None, ge=1)
    """The revision that the person saw; none = whatever it is now."""


class ArchiveProbe(Command[Probe]):
    """Take a probe out of sight; its readings stay."""

    permission: ClassVar[Permission] = Permission.PROBE_DELETE
    key: Key


class Calibrate(Command[Calibration]):
    """Put a channel of a probe right for what it measures from then on."""

    permission: ClassVar[Permission] = Permission.PROBE_UPDATE
    queueable: ClassVar[bool] = False
    probe_key: Key
    fields: CalibrationFields
    scale_is_sure: bool = False
    """Whoever asks has seen in what scale the device tells; stored numbers need not agree."""


class WithdrawCalibration(Command[Calibration]):
    """Take a wrong calibration out of force; it stays on record with the reason."""

    permission: ClassVar[Permission] = Permission.PROBE_UPDATE
    queueable: ClassVar[bool] = False
    key: Key
    reason: Reason


class ReplaceProbe(Command[Probe]):
    """Say that the device behind a probe was exchanged; it has to be calibrated anew."""

    permission: ClassVar[Permission] = Permission.PROBE_UPDATE
    queueable: ClassVar[bool] = False
    probe_key: Key
    at: Instant | None = None
    """Since when the new one measures; none = now."""
    note: Remark | None = None
    patch: dict[str, JsonValue] | None = None
    """What else changes in the same breath, such as where its values come from (merge patch)."""
    expected_revision: int | None = Field(default=None, ge=1)
    """The revision that the person saw; none = whatever it is now."""


class LogMeasurement(Command[HandMeasurement]):
    """Keep what a person measured by hand in a tank or at a plant."""

    permission: ClassVar[Permission] = Permission.LOG_CREATE
    fields: HandMeasurementFields

    @override
    def as_of(self, now: datetime, today: date) -> Self:
        """Return the command with its moment."""
        fields = self.fields.model_copy(update={"at": self.fields.at or now})
        return self.model_copy(update={"fields": fields})


class RemoveMeasurement(Command[None]):
    """Take a wrong measurement by hand out; that of somebody else only as an admin."""

    permission: ClassVar[Permission] = Permission.LOG_UPDATE
    queueable: ClassVar[bool] = False
    key: Key


class RecordReadings(Command[int]):
    """Store judged readings; answers how many were new. Idempotent by channel and time.

    Values that their kind cannot have, and those that are no value (`bad`), are left out.
    """

    permission: ClassVar[Permission] = Permission.READING_RECORD
    # Finding all mistakes in thousands of readings would hold everybody else up.
    readings: Annotated[tuple[Reading, ...], Field(max_length=2000), FailFast()]


class ReportPresence(Command[int]):
    """Say that devices go or come; answers how many did. It is of now, so it never waits."""

    permission: ClassVar[Permission] = Permission.READING_RECORD
    queueable: ClassVar[bool] = False
    said: tuple[ProbePresenceFields, ...] = Field(max_length=MOST_SAID)
    """In the order in which it was heard."""


class ReportSolution(Command[SolutionHold]):
    """Say that a probe is, or was, in the solution of a calibration; answers what is kept.

    It is of now, so it never waits.
    """

    permission: ClassVar[Permission] = Permission.READING_RECORD
    queueable: ClassVar[bool] = False
    hold: SolutionHoldFields
    said_at: Instant | None = None
    """Now, by the clock of whoever says it; none = it is that of the store."""


class ListReadings(Request[tuple[Reading, ...]]):
    """List stored readings of a channel within [from, until), oldest first."""

    probe_key: Key
    kind: str
    from_at: Instant
    until_at: Instant


class ListCalibrations(Request[Calibrations]):
    """List the calibrations of a probe, newest first, and how old the last ones are."""

    probe_key: Key


class ListMeasurements(Request[tuple[HandMeasurement, ...]]):
    """List what was measured by hand in a tank or at a plant, newest first; name one of them."""

    tank_key: Key | None = None
    plant_key: Key | None = None


class GetTrend(Request[Trend]):
    """Ask where a channel is heading since it was last changed on purpose."""

    probe_key: Key
    kind: ChannelKind
