"""Addresses that are public and those that are not, in every way they can be written."""

import ipaddress
import socket
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from engine.gather.guard import (
    Guard,
    LinkError,
    PrivateAddressError,
    check_link,
    guarded,
    is_public,
    refusal,
    shown,
)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.10", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "198.18.0.1", "192.0.2.1", "192.88.99.1", "224.0.0.1"),
        *("240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1"),
        *("fec0::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        *("::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:c0a8:101::1"),
        *("2001:0:5ef5:79fb:0:0:80ff:fffe", "", "localhost", "1.2.3"),
    ],
)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_what_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ("ftp://example.org/a.mp4", "only http and https.*not ftp"),
        ("file:///etc/passwd", "not file"),
        ("data:video/mp4;base64,AAAA", "not data"),
        ("javascript:alert(1)", "not javascript"),
        ("http:///a.mp4", "names no host"),
        ("http://[::1", "not a valid link"),
        ("http://example.org:99999/", "not a valid link"),
        ("http://127.0.0.1/a.mp4", "private network.*--allow-private"),
        ("http://[::ffff:10.0.0.1]/a.mp4", "private network"),
        ("http://localhost:8000/", "private network"),
        ("http://printer.local/", "private network"),
        ("http://metadata.google.internal/", "private network"),
    ],
)
def test_links_that_are_refused_for_what_they_say(link: str, sentence: str) -> None:
    with pytest.raises(LinkError, match=sentence):
        check_link(link, allow_private=False)


def test_a_refused_link_shows_no_password_and_no_escape_sequence() -> None:
    with pytest.raises(LinkError) as caught:
        check_link("ftp://ada:secret@example.org/\x1b[2J", allow_private=False)
    assert "secret" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(shown("http://example.org/" + "a" * 900)) <= 120


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "2130706433", "0177.0.0.1"])
def test_a_socket_reaches_no_private_address_however_it_is_written(server: Any, host: str) -> None:
    port = server.server_address[1]
    with guarded(allow_private=False):
        with pytest.raises(PrivateAddressError), socket.socket() as one:
            one.connect((host, port))
        with pytest.raises(PrivateAddressError), socket.socket() as one:
            one.connect_ex((host, port))
        with pytest.raises(PrivateAddressError):
            socket.create_connection((host, port))
    with socket.create_connection(("127.0.0.1", port)):
        pass  # outside the guard, sockets are what they were
    assert server.seen == []


def test_a_name_is_judged_by_the_address_that_is_connected_to(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that answers with a public address first and a private one afterwards."""
    port = server.server_address[1]
    answers = iter(["93.184.216.34"] + ["127.0.0.1"] * 10)

    def rebinding(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with guarded(allow_private=False) as guard:
        guard.check_host(f"http://rebind.example:{port}/")
        with pytest.raises(requests.ConnectionError) as caught:
            requests.get(f"http://rebind.example:{port}/clip.mp4", timeout=5)
    assert isinstance(refusal(caught.value), PrivateAddressError)
    assert server.seen == []


def test_a_host_with_one_private_address_is_refused_for_other_libraries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def both(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        return [(2, 1, 6, "", (address, 443)) for address in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(LinkError, match="private network"):
        Guard(allow_private=False).check_host("https://example.org/")
    Guard(allow_private=True).check_host("https://example.org/")


def test_the_proxy_that_the_user_has_set_may_be_private(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    server.answers["http://example.org/clip.mp4"] = lambda handler: handler.reply(200, b"proxied")
    with guarded(allow_private=False):
        assert requests.get("http://example.org/clip.mp4", timeout=5).content == b"proxied"


def test_hanging_up_ends_a_read_that_would_go_on_for_ever() -> None:
    ours, theirs = socket.socketpair()
    with guarded(allow_private=True) as guard, ours, theirs:
        guard.opened(ours)
        with pytest.raises(TimeoutError), guard.hurry(0.05):
            assert ours.recv(1) == b""


@pytest.mark.parametrize(
    "host",
    [
        *("169.254.169.254", "100.100.100.200", "0.0.0.0", "224.0.0.1", "255.255.255.255"),
        *("[fe80::1]", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]"),
    ],
)
def test_some_addresses_are_never_asked(host: str) -> None:
    with pytest.raises(LinkError, match="no web server should have"):
        check_link(f"http://{host}/latest/meta-data", allow_private=True)
    with pytest.raises(PrivateAddressError):
        Guard(allow_private=True).check_address((host.strip("[]"), 80))


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "[::1]", "[fc00::5]"])
def test_private_networks_are_asked_where_that_is_allowed(host: str) -> None:
    link = f"http://{host}/clip.mp4"
    assert check_link(link, allow_private=True) == link
    Guard(allow_private=True).check_address((host.strip("[]"), 80))


def test_hanging_up_also_ends_what_tls_has_taken_over() -> None:
    ours, theirs = socket.socketpair()
    with guarded(allow_private=True) as guard, theirs:
        guard.opened(ours)
        with (
            socket.socket(fileno=ours.detach()) as taken,
            pytest.raises(TimeoutError),
            guard.hurry(0.05),
        ):
            assert taken.recv(1) == b""


def test_hanging_up_leaves_what_has_a_closed_connections_number() -> None:
    ours, theirs = socket.socketpair()
    with guarded(allow_private=True) as guard, theirs:
        guard.opened(ours)
        number = ours.fileno()
        ours.close()
        one, other = socket.socketpair()
        with one, other:
            assert number in (one.fileno(), other.fileno())
            guard.hang_up()
            one.send(b"x")
            assert other.recv(1) == b"x"


@given(st.integers(0, 2**32 - 1))
def test_an_address_inside_another_counts_as_what_it_leads_to(number: int) -> None:
    inner = ipaddress.IPv4Address(number)
    for base in ("::ffff:0:0", "64:ff9b::", "::"):
        outer = ipaddress.IPv6Address(int(ipaddress.IPv6Address(base)) + number)
        if number > 1 or base != "::":
            assert is_public(str(outer)) == is_public(str(inner))
    relayed = ipaddress.IPv6Address((0x2002 << 112) + (number << 80))
    assert is_public(str(relayed)) == is_public(str(inner))
