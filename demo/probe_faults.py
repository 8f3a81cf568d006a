"""How probes lie: noise, a dead wire, drift, a stuck value."""

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """What can be wrong with a probe."""

    NONE = "none"
    DEAD = "dead"
    DRIFT = "drift"
    STUCK = "stuck"


STILL_RATIO = 0.25
"""Of its noise is left in a bottle, as nothing stirs there."""


@dataclass(slots=True)
class Sensor:
    """One measuring element: what it makes of the true value."""

    noise: float
    """Standard deviation of a reading, in its unit."""
    digits: int
    """Digits behind the point that the device sends."""
    drift_per_d: float
    """How fast it drifts when it does, in its unit per day."""
    dead_value: float = float("nan")
    """What the device sends when the element is gone."""
    fault: Fault = Fault.NONE
    random: Random = field(default_factory=lambda: Random(7))
    """Where the noise comes from; the same in each run."""
    bottle: float | None = None
    """What it shows in the bottle into which it was hung; none = it is in its place."""
    _fault_since_s: float = 0.0
    _last: float | None = None

    def set_fault(self, fault: Fault, at_s: float) -> None:
        """Break it, or mend it."""
        self.fault = fault
        self._fault_since_s = at_s

    def read(self, true_value: float, at_s: float) -> float:
        """Return what the device sends at a moment of the garden; may be NaN."""
        if self.fault is Fault.DEAD:
            return self.dead_value
        if self.fault is Fault.STUCK and self._last is not None:
            return self._last
        value = true_value + self.random.gauss(0, self.noise)
        if self.bottle is not None:
            value = self.bottle + self.random.gauss(0, self.noise * STILL_RATIO)
        if self.fault is Fault.DRIFT:
            value += self.drift_per_d * (at_s - self._fault_since_s) / 86_400
        self._last = round(value, self.digits)
        return self._last
