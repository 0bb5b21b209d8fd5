"""Which IP addresses belong to the public internet, and which nobody should be sent to."""

from __future__ import annotations

import ipaddress
from typing import Final

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")
_METADATA: Final = frozenset(("fd00:ec2::254", "100.100.100.200", "192.0.0.192"))
_RELAYS: Final = ipaddress.IPv4Network("192.88.99.0/24")


def is_address(host: str) -> bool:
    """Whether a host is an IP address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Whether an IP address (text, with or without a zone) belongs to the public internet.

    IPv4 addresses inside IPv6 ones (mapped, 6to4, Teredo, NAT64) count as what they lead to.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = _inner(found)
        if inner is not None:
            return all(is_public(str(one)) for one in inner)
        if found.is_site_local:
            return False
    elif found in _RELAYS:
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def is_forbidden(address: str) -> bool:
    """Whether an IP address is refused even where private networks are allowed.

    Link-local ones: that is where clouds keep the keys of the machine that asks. And those that are
    no single host's: multicast, reserved, unspecified.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return True
    if isinstance(found, ipaddress.IPv6Address):
        inner = _inner(found)
        if inner is not None:
            return any(is_forbidden(str(one)) for one in inner)
    if found.is_link_local or str(found).partition("%")[0] in _METADATA:
        return True
    loopback = found.is_loopback
    return found.is_multicast or found.is_unspecified or (found.is_reserved and not loopback)


def _inner(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address] | None:
    """The IPv4 addresses that an IPv6 address stands for, None when it stands for itself."""
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return None
