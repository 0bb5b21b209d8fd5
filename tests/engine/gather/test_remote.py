"""Parts of videos on servers, taken without the rest."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.gather.intake import Gathered, GatherError
from engine.gather.run import Request, gather
from engine.gather.settings import GatherSettings
from engine.media import probe
from engine.reporting import CollectingReporter
from projects.errors import StopRequested
from projects.people import Person
from projects.sources import list_sources
from tests.engine.gather.conftest import Handler, Server, jpeg, stream_of, write_clip


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 s with sound, about 3 MB."""
    return write_clip(tmp_path_factory.mktemp("long") / "long.mp4", 30.0, sound=True)


@pytest.fixture
def take(ada: Person, settings: GatherSettings) -> Callable[..., Gathered]:
    def run(link: str, **changes: Any) -> Gathered:
        wanted = replace(settings, **({"start": 20.5, "end": 22.0} | changes))
        return gather(ada, Request(links=(link,)), wanted, run.reporter)  # type: ignore[attr-defined]

    run.reporter = CollectingReporter()  # type: ignore[attr-defined]
    return run


def counting(server: Server, path: str, body: bytes, **headers: str) -> list[int]:
    """Serve a file in parts, and count the bytes that are sent of it."""
    sent: list[int] = []

    def answer(handler: Handler) -> None:
        start = int(handler.headers.get("Range", "bytes=0-")[6:].partition("-")[0])
        shown = {"Content_Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
        if "Range" in handler.headers:
            handler.head(206, Content_Length=str(len(body) - start), **shown, **headers)
        else:
            handler.head(200, Content_Length=str(len(body)), **headers)
        for place in range(start, len(body), 16384):
            handler.wfile.write(body[place : place + 16384])
            sent.append(len(body[place : place + 16384]))

    server.answers[path] = answer
    return sent


def test_only_what_the_part_needs_is_fetched(
    take: Callable[..., Gathered], server: Server, long_clip: Path
) -> None:
    body = long_clip.read_bytes()
    counting(server, "/long.mp4", body)
    (source,) = take(server.url("/long.mp4")).added
    assert source.name == "long.mp4"
    assert source.about.part.startswith("0:20-0:22")
    assert source.origin == server.url("/long.mp4")
    info = probe(source.path)
    assert info.duration == pytest.approx(2.1, abs=0.2)
    assert info.audio == 1
    events = take.reporter.of("progress")  # type: ignore[attr-defined]
    fetched = [event["done"] for event in events if event["stage"] == "download"]
    assert 0 < max(fetched) < len(body) / 1e6 / 2
    assert "took 0:20-0:22" in take.reporter.of("warning")[0]["text"]  # type: ignore[attr-defined]


def test_the_part_is_the_same_as_one_cut_out_of_the_whole(
    take: Callable[..., Gathered], server: Server, long_clip: Path
) -> None:
    body = long_clip.read_bytes()
    counting(server, "/parts.mp4", body)
    server.answers["/whole.mp4"] = lambda handler: handler.reply(200, body)
    assert len(take(server.url("/parts.mp4")).added) == 1
    assert len(take(server.url("/whole.mp4")).known) == 1


@pytest.mark.parametrize(
    ("wanted", "part"),
    [({"start": 27.5, "end": None}, "0:27-0:30"), ({"start": None, "end": 2.0}, "0:00-0:02")],
)
def test_one_side_of_a_part_is_enough(
    take: Callable[..., Gathered],
    server: Server,
    long_clip: Path,
    wanted: dict[str, float | None],
    part: str,
) -> None:
    body = long_clip.read_bytes()
    counting(server, "/parts.mp4", body)
    server.answers["/whole.mp4"] = lambda handler: handler.reply(200, body)
    (source,) = take(server.url("/parts.mp4"), **wanted).added
    assert source.about.part.startswith(part)
    assert len(take(server.url("/whole.mp4"), **wanted).known) == 1


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_an_index_at_the_end_is_found(
    take: Callable[..., Gathered], server: Server, tmp_path: Path, suffix: str
) -> None:
    import av

    clip = tmp_path / f"late{suffix}"
    with (
        av.open(str(write_clip(tmp_path / "a.mp4", 6.0))) as source,
        av.open(str(clip), "w") as out,
    ):
        copy = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = copy
                out.mux(packet)
    counting(server, "/late", clip.read_bytes())
    (source,) = take(server.url("/late"), start=3.5, end=4.5).added
    assert source.about.part.startswith("0:03-0:04")


def test_the_picture_and_sound_of_a_page_are_taken_in_part(
    take: Callable[..., Gathered], server: Server, long_clip: Path
) -> None:
    counting(server, "/clip.mp4", long_clip.read_bytes())
    page = b"<!DOCTYPE html><title>Talk</title><video src='/clip.mp4'></video>"
    server.answers["/watch"] = lambda handler: handler.reply(200, page, "text/html")
    (source,) = take(server.url("/watch")).added
    assert source.name == "Talk.mp4"
    assert source.about.part.startswith("0:20-0:22")
    assert source.about.page == server.url("/watch")


def test_picture_and_sound_of_two_files_are_taken_in_part(
    server: Server, settings: GatherSettings, long_clip: Path, tmp_path: Path
) -> None:
    from engine.gather.guard import guarded
    from engine.gather.remote import copy_remote_part

    counting(server, "/picture.mp4", stream_of(long_clip, 0))
    counting(server, "/sound.mp4", stream_of(long_clip, 1))
    links = [(server.url(f"/{name}.mp4"), {"X-Key": name}) for name in ("picture", "sound")]
    wanted = replace(settings, start=20.5, end=22.0)
    with guarded(allow_private=True) as guard:
        found = copy_remote_part(links, tmp_path, guard, wanted, CollectingReporter())
    assert found is not None
    info = probe(found[0].path)
    assert (info.audio, info.frames) == (1, found[0].frames)
    assert {headers["X-Key"] for _, headers in server.seen} == {"picture", "sound"}


def test_cookies_stay_with_their_host(
    server: Server, inner_server: Server, settings: GatherSettings, long_clip: Path, tmp_path: Path
) -> None:
    from engine.gather.guard import guarded
    from engine.gather.remote import copy_remote_part

    counting(inner_server, "/clip.mp4", long_clip.read_bytes())
    target = inner_server.url("/clip.mp4")
    server.answers["/go"] = lambda handler: handler.head(302, Location=target, Content_Length="0")
    links = [(server.url("/go"), {"Cookie": "key=1", "Referer": "x"})]
    wanted = replace(settings, start=20.5, end=22.0)
    with guarded(allow_private=True) as guard:
        assert copy_remote_part(links, tmp_path, guard, wanted, CollectingReporter()) is not None
    assert server.seen[0][1]["Cookie"] == "key=1"
    assert all("Cookie" not in headers for _, headers in inner_server.seen)
    assert inner_server.seen[0][1]["Referer"] == "x"


def test_a_picture_is_fetched_as_a_picture(take: Callable[..., Gathered], server: Server) -> None:
    counting(server, "/a.jpg", jpeg(1))
    assert take(server.url("/a.jpg")).added[0].kind == "image"


def test_a_file_that_changes_between_two_requests_is_fetched_whole(
    take: Callable[..., Gathered], server: Server, long_clip: Path
) -> None:
    body = long_clip.read_bytes()
    parts = iter([body])

    def answer(handler: Handler) -> None:
        part = next(parts, None)
        if part is None:
            handler.reply(200, body)
        else:
            handler.ranged(part)

    server.answers["/long.mp4"] = answer
    (source,) = take(server.url("/long.mp4")).added
    assert source.about.part.startswith("0:20-0:22")


def test_more_than_is_allowed_is_not_read(
    take: Callable[..., Gathered], server: Server, long_clip: Path, ada: Person
) -> None:
    counting(server, "/long.mp4", long_clip.read_bytes())
    with pytest.raises(GatherError, match=r"larger than the 0\.1 MB"):
        take(server.url("/long.mp4"), max_size=100_000)
    assert list_sources(ada) == []


def test_it_can_be_stopped(
    take: Callable[..., Gathered], server: Server, long_clip: Path, ada: Person
) -> None:
    counting(server, "/long.mp4", long_clip.read_bytes())
    reporter = take.reporter  # type: ignore[attr-defined]
    reporter.stop = lambda: bool(reporter.of("progress"))
    with pytest.raises(StopRequested):
        take(server.url("/long.mp4"))
    assert list_sources(ada) == []


def test_a_moment_after_the_end_is_refused(
    take: Callable[..., Gathered], server: Server, long_clip: Path
) -> None:
    counting(server, "/long.mp4", long_clip.read_bytes())
    with pytest.raises(GatherError, match=r"nothing at 10 min 00 s\. It is 30\.0 s long"):
        take(server.url("/long.mp4"), start=600.0, end=700.0)
