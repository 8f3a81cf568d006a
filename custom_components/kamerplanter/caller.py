"""Who is behind a call: a user of Home Assistant, or an automation."""

from homeassistant.auth.models import User
from homeassistant.core import Context, HomeAssistant

from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.common.context import Role

OWNER = Caller(actor="home-assistant", role=Role.ADMIN)
"""Acts for the administrators, who alone configure things in Home Assistant."""

AUTOMATION = Caller(actor="home-assistant", role=Role.GROWER)
"""Acts for itself; without a user it has no more rights than a grower."""


async def async_caller(hass: HomeAssistant, context: Context | None) -> Caller:
    """Return who acts and with which role: administrators are administrators here too."""
    user: User | None = None
    if context is not None and context.user_id is not None:
        user = await hass.auth.async_get_user(context.user_id)
    if user is None:
        return AUTOMATION
    return Caller(actor=user.id, role=Role.ADMIN if user.is_admin else Role.GROWER)
