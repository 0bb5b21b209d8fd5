"""Links to files, from a server that misbehaves: refused with a sentence, or brought in whole."""

import gzip
import itertools
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.gather import fetch, guard
from engine.gather.intake import Gathered, GatherError
from engine.gather.run import Request, gather
from engine.gather.settings import GatherSettings
from engine.reporting import CollectingReporter, NullReporter
from projects.errors import StopRequested
from projects.people import Person
from projects.sources import list_sources
from tests.engine.gather.conftest import Handler, Server, gif_header, jpeg, png_header


class Links:
    """Gathers links for one person."""

    def __init__(self, person: Person, settings: GatherSettings) -> None:
        self.person, self.settings = person, settings
        self.reporter = CollectingReporter()

    def __call__(self, *links: str, **changes: Any) -> Gathered:
        settings = replace(self.settings, **changes)
        return gather(self.person, Request(links=links), settings, self.reporter)

    def refusal(self, *links: str, **changes: Any) -> str:
        """The sentence for links that cannot be brought in, and that leave nothing behind."""
        with pytest.raises(GatherError) as caught:
            self(*links, **changes)
        return str(caught.value)

    @property
    def leftovers(self) -> list[Path]:
        return [path for path in (self.person.root / "downloads").rglob("*") if path.is_file()]


@pytest.fixture
def links(ada: Person, settings: GatherSettings) -> Links:
    return Links(ada, settings)


def test_a_link_to_a_video_becomes_a_source(
    links: Links, server: Server, clip_bytes: bytes
) -> None:
    server.answers["/talks/clip.mp4"] = lambda handler: handler.ranged(clip_bytes)
    (source,) = links(server.url("/talks/clip.mp4")).added
    assert source.path.read_bytes() == clip_bytes
    assert (source.name, source.kind) == ("clip.mp4", "video")
    assert source.origin == server.url("/talks/clip.mp4")
    assert source.about.seconds == pytest.approx(4.0, abs=0.1)
    assert links.leftovers == []
    downloads = [e for e in links.reporter.of("progress") if e["stage"] == "download"]
    assert downloads[-1]["done"] == downloads[-1]["total"] == round(len(clip_bytes) / 1e6, 1)


def test_the_same_link_twice_is_noticed(links: Links, server: Server, clip_bytes: bytes) -> None:
    server.answers["/clip.mp4"] = lambda handler: handler.ranged(clip_bytes)
    links(server.url("/clip.mp4"))
    again = links(server.url("/clip.mp4"))
    assert (len(again.added), len(again.known)) == (0, 1)


def test_redirects_are_followed_and_the_file_is_named_for_its_content(
    links: Links, server: Server
) -> None:
    server.answers["/a"] = lambda handler: handler.head(302, Location="/b", Content_Length="0")
    server.answers["/b"] = lambda handler: handler.reply(200, jpeg(1), "application/octet-stream")
    (source,) = links(server.url("/a")).added
    assert (source.kind, source.path.suffix) == ("image", ".jpg")


def test_passwords_in_a_link_are_used_and_not_recorded(links: Links, server: Server) -> None:
    server.answers["/a.jpg"] = lambda handler: handler.reply(200, jpeg(1), "image/jpeg")
    link = server.url("/a.jpg")
    (source,) = links(link.replace("http://", "http://ada:secret@")).added
    assert source.origin == link
    assert server.seen[0][1]["Authorization"].startswith("Basic ")


def test_nothing_is_asked_of_this_machine_unless_that_is_allowed(
    links: Links, server: Server
) -> None:
    said = links.refusal(server.url("/clip.mp4"), allow_private=False)
    assert "--allow-private" in said
    assert server.seen == []


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("ftp://example.org/clip.mp4", "only http and https links are opened, not ftp"),
        ("file:///etc/passwd", "not file"),
        ("data:text/html,hello", "not data"),
        ("http://192.168.7.7/clip.mp4", "private network"),
        ("http://[::1]/clip.mp4", "private network"),
    ],
)
def test_redirects_to_forbidden_places_are_refused(
    links: Links, server: Server, monkeypatch: pytest.MonkeyPatch, target: str, sentence: str
) -> None:
    monkeypatch.setattr(guard, "is_public", lambda address: address == "127.0.0.1")
    server.answers["/go"] = lambda handler: handler.head(302, Location=target, Content_Length="0")
    said = links.refusal(server.url("/go"), allow_private=False)
    assert "leads elsewhere" in said
    assert sentence in said
    assert len(server.seen) == 1


def test_a_redirect_to_a_name_that_is_private_is_refused_when_it_is_connected_to(
    links: Links, server: Server, inner_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    real = socket.getaddrinfo

    def lookup(host: str, *args: Any, **kwargs: Any) -> Any:
        return real("127.0.0.2" if host == "inner.example" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(guard, "is_public", lambda address: address == "127.0.0.1")
    target = inner_server.url("/secret.mp4").replace("127.0.0.2", "inner.example")
    server.answers["/go"] = lambda handler: handler.head(307, Location=target, Content_Length="0")
    assert "private network" in links.refusal(server.url("/go"), allow_private=False)
    assert inner_server.seen == []


def test_redirects_in_a_circle_end(links: Links, server: Server) -> None:
    server.answers["/x"] = lambda handler: handler.head(301, Location="/y", Content_Length="0")
    server.answers["/y"] = lambda handler: handler.head(301, Location="/x", Content_Length="0")
    assert "without end" in links.refusal(server.url("/x"))
    assert len(server.seen) < 20


def test_a_cut_connection_is_gone_on_with(links: Links, server: Server, clip_bytes: bytes) -> None:
    give = len(clip_bytes) // 3
    server.answers["/clip.mp4"] = lambda handler: handler.ranged(
        clip_bytes, give=give, ETag='"one"'
    )
    (source,) = links(server.url("/clip.mp4")).added
    assert source.path.read_bytes() == clip_bytes
    ranges = [headers.get("Range") for _, headers in server.seen]
    assert ranges[0] is None
    assert len(ranges) > 3
    assert all(asked is not None for asked in ranges[1:])
    assert server.seen[-1][1]["If-Range"] == '"one"'


def test_a_download_is_gone_on_with_by_the_next_run(
    links: Links, server: Server, clip_bytes: bytes
) -> None:
    """The first run gives up half way, the second fetches only what is missing."""
    half = len(clip_bytes) // 2
    states = iter([lambda handler: handler.ranged(clip_bytes, give=half)])

    def broken_then_down(handler: Handler) -> None:
        next(states, lambda handler: handler.reply(503, b""))(handler)

    server.answers["/clip.mp4"] = broken_then_down
    assert "answers 503" in links.refusal(server.url("/clip.mp4"))
    assert list_sources(links.person) == []
    assert links.leftovers != []
    server.seen.clear()
    server.answers["/clip.mp4"] = lambda handler: handler.ranged(clip_bytes)
    (source,) = links(server.url("/clip.mp4")).added
    assert source.path.read_bytes() == clip_bytes
    assert [headers.get("Range") for _, headers in server.seen] == [f"bytes={half - 4096}-"]
    assert links.leftovers == []


def test_a_file_that_has_changed_since_is_fetched_anew(
    links: Links, server: Server, clip_bytes: bytes
) -> None:
    """The server says nothing about versions: the bytes that are fetched twice tell."""
    other = clip_bytes[:100] + bytes(100_000) + clip_bytes[100:]
    bodies = iter([(other, len(other) // 2), (clip_bytes, None)])

    def answer(handler: Handler) -> None:
        body, give = next(bodies, (clip_bytes, None))
        handler.ranged(body, give=give)

    server.answers["/clip.mp4"] = answer
    (source,) = links(server.url("/clip.mp4")).added
    assert source.path.read_bytes() == clip_bytes


def test_a_server_that_knows_no_ranges_starts_again(
    links: Links, server: Server, clip_bytes: bytes
) -> None:
    tries = itertools.count()

    def answer(handler: Handler) -> None:
        handler.head(200, Content_Length=str(len(clip_bytes)))
        handler.wfile.write(clip_bytes[: 70_000 if next(tries) == 0 else None])

    server.answers["/clip.mp4"] = answer
    (source,) = links(server.url("/clip.mp4")).added
    assert source.path.read_bytes() == clip_bytes


def test_a_promise_of_more_than_there_is_is_given_up(
    links: Links, server: Server, clip_bytes: bytes
) -> None:
    def answer(handler: Handler) -> None:
        size = len(clip_bytes) + 5000
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        kept = {"Content_Range": f"bytes {start}-{size - 1}/{size}"} if start else {}
        handler.head(206 if start else 200, Content_Length=str(size - start), **kept)
        handler.wfile.write(clip_bytes[start:])

    server.answers["/clip.mp4"] = answer
    assert "broke off" in links.refusal(server.url("/clip.mp4"))
    assert len(server.seen) < 10


def test_less_is_promised_than_comes(links: Links, server: Server, clip_bytes: bytes) -> None:
    def answer(handler: Handler) -> None:
        handler.head(200, Content_Length="3000")
        handler.wfile.write(clip_bytes)

    server.answers["/clip.mp4"] = answer
    assert "Not one frame of http" in links.refusal(server.url("/clip.mp4"))
    assert list_sources(links.person) == []


def test_a_video_without_a_promised_length_is_fetched(
    links: Links, server: Server, clip_bytes: bytes
) -> None:
    def answer(handler: Handler) -> None:
        handler.head(200)
        handler.wfile.write(clip_bytes)

    server.answers["/clip.mp4"] = answer
    assert links(server.url("/clip.mp4")).added[0].size == len(clip_bytes)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_download_without_end_is_ended(links: Links, server: Server, chunked: bool) -> None:
    def answer(handler: Handler) -> None:
        handler.head(200, **({"Transfer_Encoding": "chunked"} if chunked else {}))
        while not server.ending.is_set():
            handler.wfile.write(b"10000\r\n" * chunked + bytes(65536) + b"\r\n" * chunked)

    server.answers["/endless.mp4"] = answer
    said = links.refusal(server.url("/endless.mp4"), max_size=1_000_000)
    assert "larger than the 1 MB" in said
    assert "--max-size" in said
    assert links.leftovers == []


def test_a_file_that_says_it_is_too_large_is_not_begun(links: Links, server: Server) -> None:
    server.answers["/film.mp4"] = lambda handler: handler.head(200, Content_Length="99000000000")
    said = links.refusal(server.url("/film.mp4"))
    assert "larger (99000.0 MB)" in said
    assert links.leftovers == []


def test_a_file_that_the_disk_has_no_room_for_is_not_begun(links: Links, server: Server) -> None:
    size = str(10**17)
    server.answers["/film.mp4"] = lambda handler: handler.head(200, Content_Length=size)
    said = links.refusal(server.url("/film.mp4"), max_size=10**18)
    assert "Free some space" in said


def test_slow_drops_are_given_up(links: Links, server: Server) -> None:
    def answer(handler: Handler) -> None:
        handler.head(200, Content_Length="100000")
        while not server.ending.wait(0.01):
            handler.wfile.write(b"\0")

    server.answers["/drip.mp4"] = answer
    said = links.refusal(server.url("/drip.mp4"), patience=0.2, slowest=5000)
    assert "too slowly" in said


def test_headers_that_never_end_are_given_up(links: Links, server: Server) -> None:
    def answer(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not server.ending.wait(0.01):
            handler.wfile.write(b"X")

    server.answers["/drip.mp4"] = answer
    said = links.refusal(server.url("/drip.mp4"), timeout=0.1, retries=1)
    assert "does not answer" in said


def test_silence_is_given_up(links: Links, server: Server) -> None:
    server.answers["/silent.mp4"] = lambda handler: server.ending.wait(5) and None
    said = links.refusal(server.url("/silent.mp4"), timeout=0.1, retries=0)
    assert "does not answer" in said


def test_busy_servers_are_asked_again_later(links: Links, server: Server) -> None:
    answers = iter(
        [
            lambda handler: handler.reply(429, b"", Retry_After="0"),
            lambda handler: handler.reply(500, b""),
            lambda handler: handler.reply(200, jpeg(3), "image/jpeg"),
        ]
    )
    server.answers["/a.jpg"] = lambda handler: next(answers)(handler)
    assert len(links(server.url("/a.jpg")).added) == 1


@pytest.mark.parametrize(
    ("code", "sentence", "asked"),
    [(404, "no such page", 1), (403, "does not give access", 1), (500, "answers 500", 3)],
)
def test_refusals_of_a_server_are_told(
    links: Links, server: Server, code: int, sentence: str, asked: int
) -> None:
    server.answers["/a.jpg"] = lambda handler: handler.reply(code, b"no", "text/plain")
    assert sentence in links.refusal(server.url("/a.jpg"))
    assert len(server.seen) == asked


@pytest.mark.parametrize(
    ("body", "kind", "sentence"),
    [
        (b"<!DOCTYPE html><p>log in", "video/mp4", "says it is video/mp4, but holds a web page"),
        (b"just words", "image/jpeg", "says it is image/jpeg, but holds text"),
        (b'{"error": 1}', "application/json", "holds text: no picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "holds text"),
        (b"", "video/mp4", "is empty"),
        (bytes(5000), "video/mp4", "cannot be read as a video"),
        (b"PK\x03\x04" + bytes(5000), "image/png", "cannot be read as a video"),
        (jpeg(1)[:3000], "image/jpeg", "damaged or cut short"),
        (png_header(60_000, 60_000), "image/png", "million pixels"),
        (png_header(20_000, 20_000), "image/png", "million pixels"),
        (gif_header(15_000, 15_000), "video/mp4", "million pixels"),
    ],
)
def test_what_is_not_what_it_says_is_refused(
    links: Links, server: Server, body: bytes, kind: str, sentence: str
) -> None:
    server.answers["/a"] = lambda handler: handler.reply(200, body, kind)
    said = links.refusal(server.url("/a"))
    assert sentence in said
    assert "downloads" not in said
    assert list_sources(links.person) == []
    assert links.leftovers == []


def test_a_compressed_body_is_not_unpacked(links: Links, server: Server) -> None:
    bomb = gzip.compress(bytes(30_000_000))
    server.answers["/a.mp4"] = lambda handler: handler.reply(200, bomb, Content_Encoding="gzip")
    assert "sent compressed (gzip)" in links.refusal(server.url("/a.mp4"))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../../etc/cron.d/x", "x"),
        ("..\\..\\x.jpg", "x.jpg"),
        ("..", ".."),
        ("-rf", "-rf"),
        ("CON", "CON"),
        ("a\x1b[2Jb.jpg", "a[2Jb.jpg"),
        ("x" * 5000, "x" * 200),
    ],
)
def test_a_servers_name_for_a_file_is_only_shown(
    links: Links, server: Server, given: str, shown: str
) -> None:
    header = f'attachment; filename="{given}"'.replace("\\", "\\\\")
    server.answers["/get"] = lambda handler: handler.reply(
        200, jpeg(1), "image/jpeg", Content_Disposition=header
    )
    (source,) = links(server.url("/get")).added
    assert source.name == shown
    assert source.path == links.person.sources_dir / f"{source.digest[:16]}.jpg"


def test_one_bad_link_does_not_keep_the_others_out(links: Links, server: Server) -> None:
    server.answers["/good.jpg"] = lambda handler: handler.reply(200, jpeg(1), "image/jpeg")
    said = links.refusal("gopher://x/", server.url("/none.jpg"), server.url("/good.jpg"))
    assert "not gopher" in said
    assert "no such page" in said
    assert "The rest was brought in for Ada: 1 file." in said
    assert [source.name for source in list_sources(links.person)] == ["good.jpg"]
    assert len(links.reporter.of("warning")) == 2


def test_a_video_that_is_too_long_is_refused(
    links: Links, server: Server, clip_bytes: bytes
) -> None:
    server.answers["/clip.mp4"] = lambda handler: handler.ranged(clip_bytes)
    said = links.refusal(server.url("/clip.mp4"), max_duration=2.0)
    assert "is 4.0 s long, and 2.0 s are allowed" in said
    assert links(server.url("/clip.mp4"), max_duration=2.0, start=1.0, end=2.5).added


def test_a_stopped_download_is_gone_on_with(
    links: Links, server: Server, clip_bytes: bytes
) -> None:
    server.answers["/clip.mp4"] = lambda handler: handler.ranged(clip_bytes)
    reporter = links.reporter
    reporter.stop = lambda: bool(reporter.of("progress"))
    with pytest.raises(StopRequested):
        links(server.url("/clip.mp4"))
    assert list_sources(links.person) == []
    reporter.stop = None
    assert len(links(server.url("/clip.mp4")).added) == 1
    assert "Range" in server.seen[-1][1]


def test_two_jobs_do_not_download_the_same_at_once(
    links: Links, server: Server, clip_bytes: bytes
) -> None:
    from engine.gather.downloads import place_for

    link = server.url("/clip.mp4")
    with place_for(links.person, f"link {link}"):
        assert "Another job" in links.refusal(link)
    assert server.seen == []


def test_unfinished_downloads_do_not_lie_there_for_ever(
    links: Links, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    from engine.gather import downloads

    server.answers["/a.mp4"] = lambda handler: handler.ranged(bytes(100_000), give=50_000)
    with pytest.raises(GatherError):
        links(server.url("/a.mp4"), retries=0)
    for path in (links.person.root / "downloads").rglob("*"):
        os.utime(path, (0, time.time() - downloads.KEPT + 3600))
    with pytest.raises(GatherError):
        links("ftp://x/")
    assert links.leftovers != []
    for path in [*(links.person.root / "downloads").rglob("*")]:
        os.utime(path, (0, time.time() - downloads.KEPT - 3600))
    with pytest.raises(GatherError):
        links("ftp://x/")
    assert not (links.person.root / "downloads").exists()


def test_an_unknown_host_is_one_sentence(ada: Person, settings: GatherSettings) -> None:
    request = Request(links=("https://no-such-host.invalid/a.mp4",))
    with pytest.raises(GatherError, match=r"^no-such-host.invalid is not known to the name"):
        gather(ada, request, replace(settings, allow_private=False), NullReporter())


def test_waiting_for_another_try_can_be_stopped() -> None:
    reporter = CollectingReporter(stop=lambda: True)
    with pytest.raises(StopRequested):
        fetch.wait(3600, reporter)
