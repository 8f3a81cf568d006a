"""Whose word about a caller's address may be taken."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

UNIQUE_LOCAL = IPv6Network("fc00::/7")
"""Addresses that never come from the internet. Source: RFC 4193."""

WIDEST_PREFIX = {4: 8, 6: 16}
"""Public networks that are wider are nobody's proxies: those of large providers are at most /12 or
/29, so who names more has named strangers, in one piece or in many."""


def check_proxies(values: Iterable[str], setting: str) -> tuple[str, ...]:
    """Return addresses and networks of proxies, each written as a network.

    Args:
        values: Addresses such as `192.0.2.7`, networks such as `10.0.0.0/24`.
        setting: What to call them.

    Raises:
        ValueError: One is neither, or together they let strangers say where they come from.
    """
    networks = [_network(value, setting) for value in values]
    for version, widest in WIDEST_PREFIX.items():
        # Halves that lie side by side are one network.
        same = (one for one in networks if one.version == version)
        for network in collapse_addresses(same):  # type: ignore[type-var]  # all of one version
            if network.prefixlen < widest and not _is_ours(network):
                raise ValueError(
                    f"{setting} must not trust everybody, and {network} is nearly that; "
                    "name the addresses of the proxies in front of the server"
                )
    # An address stays one, and is found faster.
    return tuple(str(one[0] if one.num_addresses == 1 else one) for one in networks)


def _network(text: str, setting: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(
            f"{setting} must be addresses and networks such as 10.0.0.0/24, with commas between "
            "them"
        ) from error


def _is_ours(network: IPv4Network | IPv6Network) -> bool:
    """Tell whether nobody from the internet has an address of a network."""
    return isinstance(network, IPv6Network) and network.subnet_of(UNIQUE_LOCAL)
