"""Makes the server known in the local network, so that nobody has to type its address."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address

from zeroconf import Error, InterfaceChoice, IPVersion, NonUniqueNameException
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

import kamerplanter_engines
from kamerplanter_backend.client.protocol import PROTOCOL
from kamerplanter_backend.config.settings import Settings

_LOGGER = logging.getLogger(__name__)

SERVICE_TYPE = "_kamerplanter._tcp.local."
API_PATH = "/api/v1"

# Of the mDNS group and of documentation: nothing is sent, only the way there is looked up.
_OUTSIDE = ((socket.AF_INET, "224.0.0.251"), (socket.AF_INET6, "2001:db8::1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What is said of a server."""

    instance_id: str
    mode: str
    port: int
    addresses: tuple[str, ...]
    public_url: str | None = None
    """How browsers reach it, e.g. through a proxy with TLS; better than address and port."""

    def service_info(self) -> AsyncServiceInfo:
        """Return it in the words of DNS service discovery.

        TXT: `version`, `protocol`, `mode`, `path` (of the API), `uuid` (stays the same under a
        new address) and, if it is known, `url`.
        """
        short = self.instance_id[:8]
        text = {
            "version": kamerplanter_engines.__version__,
            "protocol": str(PROTOCOL),
            "mode": self.mode,
            "path": API_PATH,
            "uuid": self.instance_id,
        }
        return AsyncServiceInfo(
            SERVICE_TYPE,
            f"Kamerplanter {short}.{SERVICE_TYPE}",
            port=self.port,
            server=f"kamerplanter-{short}.local.",
            properties=text | ({"url": self.public_url} if self.public_url else {}),
            parsed_addresses=list(self.addresses),
        )


def announcement_of(settings: Settings, instance_id: str, port: int) -> Announcement | None:
    """Return what to say of a server; none = nobody else could reach it anyway.

    Args:
        settings: Where it listens.
        instance_id: Stays the same for the life of its store.
        port: On which it really listens.
    """
    addresses = _reachable(settings)
    if not addresses:
        return None
    return Announcement(
        instance_id=instance_id,
        mode=settings.mode.value,
        port=port,
        addresses=addresses,
        public_url=settings.public_url,
    )


@asynccontextmanager
async def announced(
    announcement: Announcement,
    interfaces: InterfaceChoice | Sequence[str] = InterfaceChoice.All,
) -> AsyncIterator[None]:
    """Announce a server during the block. Without a network it is not announced, and works."""
    try:
        network = AsyncZeroconf(interfaces=interfaces, ip_version=IPVersion.V4Only)
    except OSError as error:
        _LOGGER.warning("The server is not announced in the network: %s", error)
        yield
        return
    repeating: asyncio.Future[None] | None = None
    try:
        info = announcement.service_info()
        try:
            said = await network.async_register_service(info, allow_name_change=True)
            repeating = asyncio.ensure_future(said)
        except (OSError, Error, NonUniqueNameException) as error:
            _LOGGER.warning("The server is not announced in the network: %s", error)
        yield
    finally:
        if repeating is not None:
            repeating.cancel()
            await asyncio.gather(repeating, return_exceptions=True)
        await network.async_unregister_all_services()
        await network.async_close()


def _reachable(settings: Settings) -> tuple[str, ...]:
    """Return the addresses under which others reach the server."""
    if not settings.listen_everywhere:
        try:
            host = ip_address(settings.host)
        except ValueError:
            return _own_addresses() if settings.host != "localhost" else ()
        if host.is_loopback:
            return ()
        if not host.is_unspecified:
            return (str(host),)
    return _own_addresses()


def _own_addresses() -> tuple[str, ...]:
    """Return the addresses of this machine on the way to its network."""
    found = []
    for family, outside in _OUTSIDE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((outside, 5353))
                address = ip_address(str(probe.getsockname()[0]))
        except OSError:
            continue
        if not (address.is_loopback or address.is_unspecified):
            found.append(str(address))
    return tuple(found)
