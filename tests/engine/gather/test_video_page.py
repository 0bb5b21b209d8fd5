"""Pages with videos in them: found, chosen, joined, resumed, and refused where they mean ill."""

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from engine.gather import guard, video_page, ytdlp
from engine.gather.intake import Gathered, GatherError
from engine.gather.run import Request, gather
from engine.gather.settings import GatherSettings
from engine.media import probe
from engine.reporting import CollectingReporter
from projects.people import Person
from projects.sources import list_sources
from tests.engine.gather.conftest import Handler, Server, stream_of, write_clip

LOOKS = 1  # requests for a file by which yt-dlp finds out what it is, before any download


class Pages:
    """Serves pages and gathers them for one person."""

    def __init__(self, person: Person, settings: GatherSettings, server: Server) -> None:
        self.person, self.settings, self.server = person, settings, server
        self.reporter = CollectingReporter()

    def page(self, path: str, html: str) -> str:
        body = f"<!DOCTYPE html><html><head><title>A talk</title></head>{html}</html>".encode()
        self.server.answers[path] = lambda handler: handler.reply(200, body, "text/html")
        return self.server.url(path)

    def text(self, path: str, text: str, kind: str = "application/vnd.apple.mpegurl") -> str:
        self.server.answers[path] = lambda handler: handler.reply(200, text.encode(), kind)
        return self.server.url(path)

    def media(self, path: str, body: bytes, kind: str = "video/mp4") -> str:
        self.server.answers[path] = lambda handler: handler.ranged(body, Content_Type=kind)
        return self.server.url(path)

    def __call__(self, link: str, **changes: Any) -> Gathered:
        settings = replace(self.settings, **changes)
        return gather(self.person, Request(links=(link,)), settings, self.reporter)

    def refusal(self, link: str, **changes: Any) -> str:
        with pytest.raises(GatherError) as caught:
            self(link, **changes)
        assert list_sources(self.person) == []
        return str(caught.value)

    def described(self, path: str, **says: Any) -> str:
        """A page that says of its video at `path` what schema.org has words for."""
        about = {"@context": "https://schema.org", "@type": "VideoObject", "name": "A talk"}
        about |= {"contentUrl": self.server.url(path), **says}
        return self.page(
            "/watch", f"<script type='application/ld+json'>{json.dumps(about)}</script>"
        )

    def asked(self, path: str) -> list[dict[str, str]]:
        return [headers for seen, headers in self.server.seen if seen == path]


@pytest.fixture
def pages(ada: Person, settings: GatherSettings, server: Server) -> Pages:
    return Pages(ada, settings, server)


@pytest.fixture(scope="session")
def small_clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("small") / "small.mp4", 2.0, seed=5).read_bytes()


def test_the_video_of_a_page_becomes_a_source(pages: Pages, clip_bytes: bytes) -> None:
    pages.media("/clip.mp4", clip_bytes)
    link = pages.page("/watch", "<video src='/clip.mp4'></video>")
    (source,) = pages(link).added
    assert source.path.read_bytes() == clip_bytes
    assert (source.origin, source.about.page) == (link, link)
    assert source.about.title == "A talk"
    assert source.name == "A talk.mp4"
    assert not (pages.person.root / "downloads").exists()
    shown = [e for e in pages.reporter.of("progress") if e["stage"] == "download"]
    assert shown[-1]["done"] == round(len(clip_bytes) / 1e6, 1)


def test_a_broken_off_video_is_gone_on_with_by_the_next_run(
    pages: Pages, clip_bytes: bytes
) -> None:
    link = pages.page("/watch", "<video src='/clip.mp4'></video>")
    half = len(clip_bytes) // 2
    states = iter([lambda handler: handler.ranged(clip_bytes, give=half)])
    pages.server.answers["/clip.mp4"] = lambda handler: next(
        states, lambda handler: handler.reply(500, b"")
    )(handler)
    with pytest.raises(GatherError):
        pages(link)
    assert list_sources(pages.person) == []
    kept = list((pages.person.root / "downloads").rglob("*.part"))
    assert [path.stat().st_size > 0 for path in kept] == [True]
    pages.server.seen.clear()
    pages.media("/clip.mp4", clip_bytes)
    (source,) = pages(link).added
    assert source.path.read_bytes() == clip_bytes
    assert any("Range" in headers for headers in pages.asked("/clip.mp4"))


def test_the_resolution_that_was_asked_for_is_chosen(
    pages: Pages, clip_bytes: bytes, small_clip: bytes
) -> None:
    pages.media("/big.mp4", clip_bytes)
    pages.media("/small.mp4", small_clip)
    pages.text(
        "/master.m3u8",
        "#EXTM3U\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=9000000,RESOLUTION=1920x1080\n/big.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360\n/small.m3u8\n",
    )
    for name in ("big", "small"):
        pages.text(
            f"/{name}.m3u8",
            f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n/{name}.mp4\n#EXT-X-ENDLIST\n",
        )
    link = pages.page("/watch", "<video><source src='/master.m3u8'></video>")
    (source,) = pages(link, resolution=720).added
    assert source.path.read_bytes() == small_clip
    (source,) = pages(link).added
    assert source.path.read_bytes() == clip_bytes


def test_picture_and_sound_in_separate_files_are_put_into_one(
    pages: Pages, clip_path: Path
) -> None:
    pages.media("/picture.mp4", stream_of(clip_path, 0))
    pages.media("/sound.mp4", stream_of(clip_path, 1))
    representation = (
        '<AdaptationSet mimeType="{kind}/mp4"><Representation id="{kind}" bandwidth="500000" '
        'codecs="{codec}" {more}><BaseURL>/{file}.mp4</BaseURL></Representation></AdaptationSet>'
    )
    pages.text(
        "/talk.mpd",
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT4S">'
        "<Period>"
        + representation.format(
            kind="video", codec="avc1.42c01e", more='width="160" height="120"', file="picture"
        )
        + representation.format(kind="audio", codec="mp4a.40.2", more="", file="sound")
        + "</Period></MPD>",
        "application/dash+xml",
    )
    (source,) = pages(pages.server.url("/talk.mpd")).added
    info = probe(source.path)
    assert (info.frames, info.audio) == (100, 1)
    assert source.path.suffix == ".mp4"


def test_a_stream_in_pieces_is_put_together(pages: Pages, tmp_path: Path) -> None:
    pieces = [_transport_stream(tmp_path, number) for number in range(3)]
    for number, piece in enumerate(pieces):
        pages.media(f"/{number}.ts", piece, "video/mp2t")
    lines = "".join(f"#EXTINF:1.0,\n/{number}.ts\n" for number in range(3))
    link = pages.text("/talk.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{lines}#EXT-X-ENDLIST\n")
    (source,) = pages(link).added
    assert source.path.read_bytes() == b"".join(pieces)


def test_a_stream_in_pieces_is_gone_on_with_at_the_missing_piece(
    pages: Pages, tmp_path: Path
) -> None:
    pieces = [_transport_stream(tmp_path, number) for number in range(2)]
    pages.media("/0.ts", pieces[0], "video/mp2t")
    lines = "".join(f"#EXTINF:1.0,\n/{number}.ts\n" for number in range(2))
    link = pages.text("/talk.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{lines}#EXT-X-ENDLIST\n")
    pages.refusal(link)
    pages.media("/1.ts", pieces[1], "video/mp2t")
    (source,) = pages(link).added
    assert source.path.read_bytes() == b"".join(pieces)
    assert len(pages.asked("/0.ts")) == 1


def test_a_page_with_several_videos_gives_as_many_as_were_asked_for(
    pages: Pages, clip_bytes: bytes, small_clip: bytes
) -> None:
    pages.media("/1.mp4", clip_bytes)
    pages.media("/2.mp4", small_clip)
    link = pages.page("/watch", "<video src='/1.mp4'></video><video src='/2.mp4'></video>")
    assert len(pages(link).added) == 1
    assert "more than one video" in pages.reporter.of("warning")[0]["text"]
    assert len(pages(link, videos=2).added) == 1
    assert len(list_sources(pages.person)) == 2


@pytest.mark.parametrize("bad", ["/none.mp4", "/words.mp4"])
def test_the_second_of_three_videos_is_refused_and_the_others_come_in(
    pages: Pages, clip_bytes: bytes, small_clip: bytes, bad: str
) -> None:
    pages.media("/1.mp4", clip_bytes)
    pages.media("/words.mp4", b"These are words. " * 500)
    pages.media("/3.mp4", small_clip)
    videos = "".join(f"<video src='{path}'></video>" for path in ("/1.mp4", bad, "/3.mp4"))
    with pytest.raises(GatherError, match=r"The rest was brought in for Ada: 2 files\."):
        pages(pages.page("/watch", videos), videos=3)
    assert len(list_sources(pages.person)) == 2
    assert len([e for e in pages.reporter.of("warning") if "Left out: " in e["text"]]) == 1


def test_each_refused_video_of_a_page_is_told(pages: Pages, clip_bytes: bytes) -> None:
    pages.media("/2.mp4", clip_bytes)
    videos = "".join(f"<video src='/{number}.mp4'></video>" for number in (1, 2, 3))
    with pytest.raises(GatherError, match=r"Video 1: .*Video 3: .*The rest .*: 1 file\."):
        pages(pages.page("/watch", videos), videos=3)


def test_a_list_goes_on_behind_an_entry_whose_page_is_gone(pages: Pages, clip_bytes: bytes) -> None:
    """The entry fails while yt-dlp looks at the list, before anything is downloaded."""
    pages.media("/1.mp4", clip_bytes)
    pages.page("/good", "<video src='/1.mp4'></video>")
    feed = "".join(
        f"<item><title>{name}</title><link>{pages.server.url(name)}</link></item>"
        for name in ("/gone", "/good")
    )
    feed = f"<rss version='2.0'><channel>{feed}</channel></rss>"
    link = pages.text("/feed", feed, "text/html")
    with pytest.raises(GatherError, match=r"Video 1: .*The rest .*: 1 file\."):
        pages(link, videos=2)


def test_a_live_stream_is_refused(pages: Pages) -> None:
    piece = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n/1.ts\n"
    assert "is a live stream, which has no end" in pages.refusal(pages.text("/live.m3u8", piece))
    assert pages.asked("/1.ts") == []


def test_a_protected_stream_is_refused(pages: Pages) -> None:
    key = '#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key"\n'
    key += '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://key",KEYFORMAT="com.apple.streamingkeydelivery"'
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n{key}\n#EXTINF:4,\n/1.ts\n#EXT-X-ENDLIST\n"
    pages.text("/talk.m3u8", text)
    link = pages.page("/watch", "<video src='/talk.m3u8'></video>")
    assert "DRM protected" in pages.refusal(link)
    assert pages.asked("/1.ts") == []


def dripping(server: Server, start: bytes, kind: str) -> Callable[[Handler], None]:
    def answer(handler: Handler) -> None:
        handler.head(200, kind, Content_Length="100000")
        handler.wfile.write(start)
        while not server.ending.wait(0.01):
            handler.wfile.write(b" ")

    return answer


def test_a_page_that_drips_is_given_up(pages: Pages) -> None:
    start = b"<!DOCTYPE html><html>" + b" " * 2000
    pages.server.answers["/watch"] = dripping(pages.server, start, "text/html")
    said = pages.refusal(pages.server.url("/watch"), patience=0.2, retries=0)
    assert "comes too slowly" in said


def test_a_video_that_drips_is_given_up(pages: Pages) -> None:
    pages.server.answers["/clip.mp4"] = dripping(pages.server, bytes(5000), "video/mp4")
    link = pages.page("/watch", "<video src='/clip.mp4'></video>")
    assert "comes too slowly" in pages.refusal(link, patience=0.2, slowest=50_000, retries=0)


def test_a_video_that_the_disk_has_no_room_for_is_not_begun(
    pages: Pages, clip_bytes: bytes
) -> None:
    pages.media("/clip.mp4", clip_bytes)
    link = pages.described("/clip.mp4", contentSize=str(10**17))
    assert "Free some space" in pages.refusal(link, max_size=10**18)
    assert len(pages.asked("/clip.mp4")) == LOOKS


@pytest.mark.parametrize(
    ("wanted", "long"),
    [
        ({}, "A talk is 1 h 00 min"),
        ({"start": 60.0}, "The wanted part of A talk is 59 min"),
        ({"end": 60.0}, "The wanted part of A talk is 1 min 00 s"),
        ({"start": 3000.0, "end": 7200.0}, "The wanted part of A talk is 10 min"),
    ],
)
def test_what_is_too_long_by_its_page_is_not_downloaded(
    pages: Pages, clip_bytes: bytes, wanted: dict[str, float], long: str
) -> None:
    pages.media("/clip.mp4", clip_bytes)
    link = pages.described("/clip.mp4", duration="PT1H")
    assert long in pages.refusal(link, max_duration=10.0, **wanted)
    assert len(pages.asked("/clip.mp4")) == LOOKS


def test_a_short_part_of_a_long_video_is_taken(pages: Pages, clip_bytes: bytes) -> None:
    pages.media("/clip.mp4", clip_bytes)
    link = pages.described("/clip.mp4", duration="PT1H")
    (source,) = pages(link, max_duration=3.0, end=2.0).added
    assert source.about.part.startswith("0:00-0:02")


def test_a_page_without_a_video_is_refused(pages: Pages) -> None:
    assert "no video on this page" in pages.refusal(pages.page("/", "<p>Only words.</p>"))


def test_a_video_that_is_too_large_is_ended(pages: Pages) -> None:
    """Its server does not say how long it is, which yt-dlp's own limit passes over."""

    def endless(handler: Handler) -> None:
        handler.head(200)
        while not pages.server.ending.is_set():
            handler.wfile.write(bytes(65536))

    pages.server.answers["/clip.mp4"] = endless
    link = pages.page("/watch", "<video src='/clip.mp4'></video>")
    assert "larger than the 1 MB" in pages.refusal(link, max_size=1_000_000)


def test_words_served_as_a_video_are_refused(pages: Pages) -> None:
    pages.media("/clip.mp4", b"These are words. " * 500)
    link = pages.page("/watch", "<video src='/clip.mp4'></video>")
    assert "cannot be read as a video" in pages.refusal(link)


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.2:{port}/secret.mp4", "ftp://127.0.0.2/secret.mp4", "file:///etc/hostname"],
)
@pytest.mark.parametrize("way", ["link", "redirect", "list"])
def test_a_page_cannot_lead_into_this_network(
    pages: Pages,
    inner_server: Server,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    way: str,
) -> None:
    monkeypatch.setattr(guard, "is_public", lambda address: address == "127.0.0.1")
    target = target.format(port=inner_server.server_address[1])
    match way:
        case "redirect":
            pages.server.answers["/clip.mp4"] = lambda handler: handler.head(
                302, Location=target, Content_Length="0"
            )
            inside = "/clip.mp4"
        case "list":
            pages.text("/clip.m3u8", f"#EXTM3U\n#EXTINF:4,\n{target}\n#EXT-X-ENDLIST\n")
            inside = "/clip.m3u8"
        case _:
            inside = target
    link = pages.page("/watch", f"<video src='{inside}'></video>")
    pages.refusal(link, allow_private=False)
    assert inner_server.seen == []


def test_a_page_that_unpacks_to_a_flood_is_left(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ytdlp, "PAGE_LIMIT", 1_000_000)
    start = b"<!DOCTYPE html><html>"
    bomb = gzip.compress(start + b" " * 20_000_000)

    def answer(handler: Handler) -> None:
        if "swapdeck" in handler.headers["User-Agent"]:  # the look at what the link is
            handler.reply(200, start + b" " * 5000, "text/html")
        else:
            handler.reply(200, bomb, "text/html", Content_Encoding="gzip")

    pages.server.answers["/watch"] = answer
    assert "a page of more than 1 MB" in pages.refusal(pages.server.url("/watch"))


def test_a_video_that_is_too_long_is_refused(pages: Pages, clip_bytes: bytes) -> None:
    pages.media("/clip.mp4", clip_bytes)
    link = pages.page("/watch", "<video src='/clip.mp4'></video>")
    assert "4.0 s long" in pages.refusal(link, max_duration=1.0)


def test_titles_with_escape_sequences_are_made_harmless(pages: Pages, clip_bytes: bytes) -> None:
    pages.media("/clip.mp4", clip_bytes)
    title = "../\x1b[31mevil\x1b]0;x\x07 -rf"
    body = f"<!DOCTYPE html><title>{title}</title><video src='/clip.mp4'></video>"
    pages.server.answers["/watch"] = lambda handler: handler.reply(200, body.encode(), "text/html")
    (source,) = pages(pages.server.url("/watch")).added
    assert "\x1b" not in source.name
    assert source.path.parent == pages.person.sources_dir


@pytest.mark.parametrize(
    ("formats", "resolution", "expected"),
    [
        ([("360", 360, "av"), ("1080", 1080, "av")], None, "1080"),
        ([("360", 360, "av"), ("1080", 1080, "av")], 720, "360"),
        ([("720", 720, "av"), ("1080", 1080, "av")], 360, "720"),
        ([("a", None, "a"), ("v720", 720, "v"), ("v1080", 1080, "v")], 720, "v720+a"),
        ([("a", None, "a"), ("360", 360, "av"), ("v1080", 1080, "v")], 400, "360"),
        ([("unknown", None, "av")], 360, "unknown"),
    ],
)
def test_which_format_is_chosen(
    formats: list[tuple[str, int | None, str]], resolution: int | None, expected: str
) -> None:
    listed = [
        {
            "format_id": name,
            "height": height,
            "protocol": "https",
            "ext": "mp4",
            "vcodec": "h264" if "v" in what else "none",
            "acodec": "aac" if "a" in what else "none",
        }
        for name, height, what in formats
    ]
    listed += [dict(listed[-1], format_id="drm", has_drm=True, height=300)]
    listed += [dict(listed[0], format_id="rtmp", protocol="rtmp", height=300)]
    choose: Callable[[Any], Any] = ytdlp.selector(resolution)
    assert [one["format_id"] for one in choose({"formats": listed})] == [expected]


def test_known_sites_go_to_ytdlp_at_once() -> None:
    assert video_page.has_own_way("https://www.youtube.com/watch?v=dQw4w9WgXcQ")
    assert not video_page.has_own_way("https://example.org/clip.mp4")


def _transport_stream(folder: Path, number: int) -> bytes:
    path = folder / f"{number}.mp4"
    write_clip(path, 1.0, seed=number)
    held = io.BytesIO()
    with av.open(str(path)) as source, av.open(held, "w", format="mpegts") as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    return held.getvalue()
