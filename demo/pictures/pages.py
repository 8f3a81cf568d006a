"""Walks through what a grower sees of probes and places, besides calibrations."""

from demo.garden_setup import TANK_NAME, TENT_NAME
from demo.pictures.hands import Hands
from demo.session import Session
from demo.states import is_state

DEAD_WITHIN_S = 30
BELOW_LIST_PX = 260
QUALITY = "entity.sensor.measurement_quality.state_attributes"
TANK = "config_subentries.tank.step"
PLACE = "config_subentries.location.step"


async def see_devices(hands: Hands, session: Session) -> None:
    """Show the page of a tank with its probe, and that of a place with its climate."""
    for name, entity_id in (
        ("probe", session.states.ids[TANK_NAME, "ec"]),
        ("place", session.states.ids[TENT_NAME, "vpd"]),
    ):
        await hands.open_device_of(entity_id)
        await hands.sees("panel.config.devices.entities.diagnostic")
        await hands.save(name, whole=True)


async def listen(hands: Hands) -> None:
    """Show what "listen now" recognises, and what it proposes for a new tank."""
    await _new_tank(hands)
    await hands.save("values")
    await hands.choose(f"{TANK}.values.menu_options.discover")
    await hands.reads(f"{TANK}.listen.data.topic_filter")
    await hands.save("listen")
    await hands.go_on()
    await hands.reads(f"{TANK}.devices.title")
    await hands.pull_down(0)
    await hands.save("listen-now", below_px=BELOW_LIST_PX)
    await hands.pull_down(0)
    await hands.go_on()
    await hands.reads(f"{TANK}.device.title")
    await hands.save("listen-device")
    await hands.close()


async def bind(hands: Hands) -> None:
    """Show how a value is bound by hand."""
    await _new_tank(hands)
    await hands.choose(f"{TANK}.values.menu_options.value_ec")
    await hands.choose(f"{TANK}.source.menu_options.topic")
    await hands.reads(f"{TANK}.topic.data.topic")
    await hands.save("bind")
    await hands.unfold(f"{TANK}.topic.sections.more.name")
    await hands.reads(f"{TANK}.topic.sections.more.data.compensated")
    await hands.save("bind-more")
    await hands.close()


async def see_place(hands: Hands) -> None:
    """Show the dialog of a place: what it is, and what is measured there."""
    await hands.open_known(TENT_NAME)
    await hands.choose(f"{PLACE}.manage.menu_options.change")
    await hands.reads(f"{PLACE}.reconfigure.data.base_temperature")
    await hands.save("place-dialog")
    await hands.go_on()
    await hands.reads(f"{PLACE}.values.menu_options.value_ppfd")
    await hands.save("place-values")
    await hands.close()


async def doubt(hands: Hands, session: Session) -> None:
    """Show what the quality of a tank says while its pH probe is dead."""
    session.simulator.command({"device": "tank", "sensor": "ph", "fault": "dead"})
    state = await session.states.until(
        TANK_NAME, "measurement_quality", is_state("bad"), DEAD_WITHIN_S, "dead"
    )
    more = await hands.open_details(state.entity_id)
    await hands.reads(f"{QUALITY}.ph_reasons.name", place=more)
    await hands.save("quality")
    session.simulator.command({"device": "tank", "sensor": "ph", "fault": "none"})


async def _new_tank(hands: Hands) -> None:
    await hands.open_new("tank")
    await hands.reads(f"{TANK}.user.data.plain_water")
    await hands.fill("text", "Second tank")
    await hands.fill("number", "60")
    await hands.go_on()
    await hands.reads(f"{TANK}.values.menu_options.discover")
