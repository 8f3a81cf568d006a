"""The validation library, under the name that everything else imports it by.

Home Assistant serves its own library as `voluptuous` through an alias that exists once
`homeassistant` was imported. A type checker would find the real voluptuous instead, whose types
do not fit the core's signatures; so it is shown the library behind the alias.
"""

from typing import TYPE_CHECKING

import homeassistant  # noqa: F401 - its import installs the alias

if TYPE_CHECKING:
    import probatio as vol
else:
    import voluptuous as vol

__all__ = ["vol"]
