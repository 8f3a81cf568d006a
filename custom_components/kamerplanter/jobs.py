"""Ticks what is due by the clock; the jobs themselves are declared with the garden.

A server runs the jobs of its gardens itself.
"""

import logging
from datetime import datetime, timedelta

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.requests import EvaluateGarden
from kamerplanter_backend.common.exceptions import (
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)

from .const import DOMAIN
from .coordinator import KamerplanterConfigEntry

_LOGGER = logging.getLogger(__name__)

NOT_NOW = (ForbiddenError, NotFoundError, RateLimitedError, UnauthorizedError, UnavailableError)
"""Trouble with a store or a server, of which a person is told elsewhere."""
TICK = timedelta(minutes=1)


@callback
def async_start(hass: HomeAssistant, entry: KamerplanterConfigEntry) -> None:
    """Look once now, so that a missed night is caught up, and then each minute."""

    @callback
    def tick(now: datetime) -> None:
        entry.async_create_task(hass, _async_tick(entry, now), f"{DOMAIN} tick")

    entry.async_on_unload(
        async_track_time_interval(hass, tick, TICK, name=f"{DOMAIN} tick", cancel_on_shutdown=True)
    )
    tick(dt_util.utcnow())


async def _async_tick(entry: KamerplanterConfigEntry, now: datetime) -> None:
    garden = entry.runtime_data.garden
    try:
        if garden.embedded is not None:
            await garden.embedded.run_due(now)
        await garden.client.call(EvaluateGarden())
    except NOT_NOW as error:
        # The next minute tries again; the coordinator tells of the trouble.
        _LOGGER.debug("The tick of %s was skipped: %s", now, error)
