"""Takes all pictures of the documentation anew; `--all FOLDER` takes one of each page instead.

Usage: python -m demo.pictures [--all FOLDER [--language LANGUAGE] [--narrow]]

Chromium and mosquitto have to be installed.
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from demo.api import Api
from demo.broker import BrokerKind
from demo.browser import open_page
from demo.garden_setup import TANK_NAME
from demo.home_assistant import INTEGRATION, ROOT
from demo.narrator import say
from demo.pictures import pages
from demo.pictures.calibrations import EC, PH, SOIL, CalibrationWalk, make_due
from demo.pictures.dashboard import take_dashboard
from demo.pictures.hands import Hands
from demo.pictures.words import Words
from demo.session import Session
from demo.storage_seeds import prepare

FOLDER = ROOT / "docs" / "images"
SPEED = 1.0
"""A probe in a solution stands still, so the garden must not hurry."""
WIDE = (1280, 1240)
NARROW = (320, 800)
"""Of the smallest telephones. [px]"""
READINGS_S = 20
KEPT = frozenset(
    {
        "probe",
        "quality",
        "listen-now",
        "listen-device",
        "calibration-ph-instruction1",
        "calibration-ph-live1",
        "calibration-ph-result",
        "calibration-ph-back",
        "calibration-ph-live1-narrow",
        "calibration-ph-result-de",
        "calibration-ec-channel",
        "calibration-soil-instruction1",
        "place",
        "place-dialog",
        "place-values",
    }
)
"""What docs/images/README.md shows."""


async def main() -> None:
    """Take what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m demo.pictures")
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="take a picture of each page")
    parser.add_argument("--language", default="en", help="of the house (en, de)")
    parser.add_argument("--narrow", action="store_true", help="as on a small telephone")
    arguments = parser.parse_args()
    if arguments.all is None:
        await _keep_pictures()
        return
    arguments.all.mkdir(parents=True, exist_ok=True)
    async with _garden(arguments.language) as session:
        size, suffix = (NARROW, "-narrow") if arguments.narrow else (WIDE, "")
        async with _hands(session, arguments.language, size, suffix, arguments.all) as hands:
            await _see_all(hands, session)


async def _keep_pictures() -> None:
    async with _garden("en") as session:
        async with _hands(session, "en", WIDE) as hands:
            await _see_all(hands, session)
        async with _hands(session, "en", NARROW, "-narrow") as hands:
            await CalibrationWalk(hands, session, PH).walk()
        await _speak(session.home.api, "de")
        async with _hands(session, "de", WIDE, "-de") as hands:
            await CalibrationWalk(hands, session, PH).walk()
    await take_dashboard(FOLDER / "dashboard.png")


async def _see_all(hands: Hands, session: Session) -> None:
    await make_due(session.home.api, session.states.ids[TANK_NAME, "ec"])
    await pages.see_devices(hands, session)
    await pages.see_place(hands)
    await pages.listen(hands)
    await pages.bind(hands)
    for what in (EC, PH, SOIL):
        await CalibrationWalk(hands, session, what).walk()
    await pages.doubt(hands, session)


@asynccontextmanager
async def _garden(language: str) -> AsyncIterator[Session]:
    with tempfile.TemporaryDirectory(prefix="kamerplanter-picture-") as place:
        config = Path(place) / "config"
        prepare(config, INTEGRATION, language=language)
        async with Session(config, BrokerKind.MOSQUITTO, SPEED, say) as session:
            await session.start()
            await _speak(session.home.api, language)
            await asyncio.sleep(READINGS_S)
            yield session


async def _speak(api: Api, language: str) -> None:
    """Let the house and the front end speak a language."""
    await api.command("config/core/update", language=language)
    value = {"language": language, "number_format": "language", "time_format": "language"}
    await api.command("frontend/set_user_data", key="language", value=value)


@asynccontextmanager
async def _hands(
    session: Session,
    language: str,
    size: tuple[int, int],
    suffix: str = "",
    folder: Path | None = None,
) -> AsyncIterator[Hands]:
    """Open a page; without a folder only the pictures of the documentation are kept."""
    width, height = size
    async with open_page(session.home.api, width=width, height=height) as page:
        yield Hands(
            page,
            session.home.api,
            Words(language),
            folder=FOLDER if folder is None else folder,
            suffix=suffix,
            wanted=KEPT if folder is None else None,
        )


if __name__ == "__main__":
    asyncio.run(main())
