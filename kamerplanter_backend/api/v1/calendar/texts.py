"""What the events of a feed are called, in the words that Home Assistant shows too."""

from kamerplanter_backend.domain.models.calendar import FeedLanguage
from kamerplanter_engines.models.calendar import CalendarEvent, CalendarEventKind
from kamerplanter_engines.models.task import TaskKind

_EVENTS = {
    FeedLanguage.EN: {
        CalendarEventKind.TASK_DUE: "{what}",
        CalendarEventKind.TASK_DONE: "✓ {what}",
        CalendarEventKind.HARVEST_SAFE: "{name}: may be harvested",
        CalendarEventKind.PHASE_END: "{name}: next phase expected ({what})",
        CalendarEventKind.RUN_PLANNED: "{name}: planting is planned",
        CalendarEventKind.RUN_STARTED: "{name}: planted",
        CalendarEventKind.RUN_HARVEST: "{name}: harvest begins",
        CalendarEventKind.RUN_ENDED: "{name}: ended",
    },
    FeedLanguage.DE: {
        CalendarEventKind.TASK_DUE: "{what}",
        CalendarEventKind.TASK_DONE: "✓ {what}",
        CalendarEventKind.HARVEST_SAFE: "{name}: darf geerntet werden",
        CalendarEventKind.PHASE_END: "{name}: nächste Phase erwartet ({what})",
        CalendarEventKind.RUN_PLANNED: "{name}: Pflanzung geplant",
        CalendarEventKind.RUN_STARTED: "{name}: gepflanzt",
        CalendarEventKind.RUN_HARVEST: "{name}: Ernte beginnt",
        CalendarEventKind.RUN_ENDED: "{name}: beendet",
    },
}

_TASKS = {
    FeedLanguage.EN: {
        TaskKind.WATERING: "Water",
        TaskKind.FERTILISING: "Fertilise",
        TaskKind.PEST_CHECK: "Check for pests",
        TaskKind.TANK_EC: "Adjust EC",
        TaskKind.TANK_PH: "Adjust pH",
        TaskKind.TANK_WATER_TEMPERATURE: "Adjust water temperature",
        TaskKind.TANK_LEVEL: "Refill",
        TaskKind.PHASE_CHECK: "Check the phase",
        TaskKind.CUSTOM: "Task",
    },
    FeedLanguage.DE: {
        TaskKind.WATERING: "Gießen",
        TaskKind.FERTILISING: "Düngen",
        TaskKind.PEST_CHECK: "Auf Schädlinge prüfen",
        TaskKind.TANK_EC: "EC anpassen",
        TaskKind.TANK_PH: "pH anpassen",
        TaskKind.TANK_WATER_TEMPERATURE: "Wassertemperatur anpassen",
        TaskKind.TANK_LEVEL: "Nachfüllen",
        TaskKind.PHASE_CHECK: "Phase prüfen",
        TaskKind.CUSTOM: "Aufgabe",
    },
}

_PHASES = {
    FeedLanguage.EN: {
        "active_growth": "Active growth",
        "budding": "Budding",
        "bulking": "Storage organ growth",
        "climbing": "Climbing growth",
        "corm_ripening": "Corm ripening",
        "dormancy": "Dormancy",
        "establishment": "Establishment",
        "flowering": "Flowering",
        "flushing": "Flushing",
        "fruiting": "Fruiting",
        "germination": "Germination",
        "hardening_off": "Hardening off",
        "harvest": "Harvest",
        "heading": "Head formation",
        "juvenile": "Juvenile growth",
        "mature": "Mature plant",
        "pre_bloom": "Pre-bloom",
        "preflowering": "Pre-flowering",
        "pup_establishment": "Offset establishment",
        "recovery": "Recovery after harvest",
        "ripening": "Ripening",
        "seedling": "Seedling",
        "senescence": "Senescence",
        "shaft_growth": "Shaft growth",
        "sprout_formation": "Sprout formation",
        "sprouting": "Sprouting",
        "tuber_formation": "Tuber formation",
        "vegetative": "Vegetative",
        "winter_dormancy": "Dry winter rest",
        "winter_rest": "Winter rest",
    },
    FeedLanguage.DE: {
        "active_growth": "Wachstumszeit",
        "budding": "Knospenbildung",
        "bulking": "Dickenwachstum",
        "climbing": "Kletterphase",
        "corm_ripening": "Knollenreife",
        "dormancy": "Winterruhe",
        "establishment": "Anwachsen",
        "flowering": "Blüte",
        "flushing": "Spülung",
        "fruiting": "Fruchtentwicklung",
        "germination": "Keimung",
        "hardening_off": "Abhärtung",
        "harvest": "Ernte",
        "heading": "Kopfbildung",
        "juvenile": "Jugendphase",
        "mature": "Ausgewachsen",
        "pre_bloom": "Blütenansatz",
        "preflowering": "Vorblüte",
        "pup_establishment": "Anwachsen der Kindel",
        "recovery": "Erholung nach der Ernte",
        "ripening": "Reife",
        "seedling": "Jungpflanze",
        "senescence": "Blattfall",
        "shaft_growth": "Schaftbildung",
        "sprout_formation": "Röschenbildung",
        "sprouting": "Austrieb",
        "tuber_formation": "Knollenbildung",
        "vegetative": "Vegetative Phase",
        "winter_dormancy": "Trockene Winterruhe",
        "winter_rest": "Ruhezeit im Winter",
    },
}


def summary(event: CalendarEvent, language: FeedLanguage) -> str:
    """Return what a calendar program shows of an event."""
    return _EVENTS[language][event.kind].format(
        name=event.subject_name or "", what=_what(event, language)
    )


def _what(event: CalendarEvent, language: FeedLanguage) -> str:
    if event.kind is CalendarEventKind.PHASE_END:
        phase = event.detail or ""
        return _PHASES[language].get(phase, phase)
    if event.title is not None:
        return event.title
    task = _TASKS[language][TaskKind(event.detail or TaskKind.CUSTOM)]
    return f"{event.subject_name}: {task}" if event.subject_name else task
