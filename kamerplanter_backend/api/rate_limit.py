"""How often one address may call a route; per process, in memory."""

import time
import warnings
from abc import ABC, abstractmethod
from ipaddress import IPv4Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any, cast, override

from fastapi import FastAPI, Request

from kamerplanter_backend.common.dependencies import server_of
from kamerplanter_backend.common.exceptions import RateLimitedError
from kamerplanter_backend.config.settings import Settings

if TYPE_CHECKING:  # it takes a while to load, and the first login is early enough for that
    from slowapi import Limiter


class RateLimit(ABC):
    """Counts the calls of a route by address; a dependency beside the route's rule."""

    async def __call__(self, request: Request) -> None:
        """Count a call.

        Raises:
            RateLimitedError: There were too many; says when the next one is possible.
        """
        from limits import parse  # noqa: PLC0415 - as above
        from slowapi.util import get_remote_address  # noqa: PLC0415

        counters: Any = _limiter_of(request.app)
        rate = parse(self.rate(server_of(request).settings))
        keys = (self.counted_by(request), household(get_remote_address(request)))
        if not counters.limiter.hit(rate, *keys):
            window = counters.limiter.get_window_stats(rate, *keys)
            wait_s = cast("float", window.reset_time) - _wall_clock_s()
            raise RateLimitedError(
                "Too many attempts from this address; wait and try again.", retry_after_s=wait_s
            )

    @abstractmethod
    def rate(self, settings: Settings) -> str:
        """Return how many calls there may be in which time."""

    @abstractmethod
    def counted_by(self, request: Request) -> str:
        """Return what is counted together, beside the address."""


class AuthRateLimit(RateLimit):
    """Counts the calls of a login route by address; a dependency beside the route's rule.

        @router.post("/login", dependencies=[Depends(Public()), Depends(AuthRateLimit("login"))])

    Args:
        name: What is counted together.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    @override
    def rate(self, settings: Settings) -> str:
        """Return the limit of logins."""
        return settings.auth_rate_limit

    @override
    def counted_by(self, request: Request) -> str:
        """Return the name of the route."""
        return self._name


class FeedRateLimit(RateLimit):
    """Counts how often an address reads one calendar feed, with whichever token."""

    @override
    def rate(self, settings: Settings) -> str:
        """Return the limit of feeds."""
        return settings.feed_rate_limit

    @override
    def counted_by(self, request: Request) -> str:
        """Return the feed."""
        return f"feed {request.path_params['key']}"


def household(address: str) -> str:
    """Return what stands for whoever has an address: with IPv6 one line has 2^64 of them."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((int(found), 64), strict=False))


def forget_calls(app: FastAPI) -> None:
    """Forget all calls that an application has counted, and wait for the thread that counts."""
    limiter: Any = getattr(app.state, "limiter", None)
    if limiter is not None:
        app.state.limiter = None
        limiter._storage.timer.join()  # noqa: SLF001 - it offers no other way to end it


def _limiter_of(app: FastAPI) -> Limiter:
    limiter: Limiter | None = getattr(app.state, "limiter", None)
    if limiter is None:
        limiter = app.state.limiter = _build_limiter()
    return limiter


def _build_limiter() -> Limiter:
    from slowapi import Limiter  # noqa: PLC0415 - as above
    from slowapi.util import get_remote_address  # noqa: PLC0415

    with warnings.catch_warnings():
        # A name that is no file: else it would read the .env of the folder that one stands in.
        warnings.simplefilter("ignore", UserWarning)
        return Limiter(key_func=get_remote_address, config_filename="none")


def _wall_clock_s() -> float:
    # The counters use the machine's clock, whatever the server's own says.
    return time.time()  # noqa: TID251
