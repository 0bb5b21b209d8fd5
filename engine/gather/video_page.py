"""Videos on web pages, found and downloaded by yt-dlp, which is kept on a short lead.

Left alone it would load plugins, follow redirects to ftp, hand streams to an ffmpeg that asks
nobody, read pages without end and let a size limit pass silently. Here it may use Python's sockets
only (see guard), reads no page of more than PAGE_LIMIT bytes, and downloads into a fresh folder.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from engine.gather.fetch import no_room, progress, too_large, wait
from engine.gather.guard import (
    Guard,
    LinkError,
    PrivateAddressError,
    private_sentence,
    refusal,
    shown,
    unreachable,
)
from engine.gather.intake import check_length
from engine.gather.remote import copy_remote_part
from engine.gather.settings import GatherSettings
from engine.media.cut import Cut, copy_part
from engine.reporting import Reporter
from engine.text import clean
from projects.errors import SwapdeckError
from projects.names import printable

PAGE_LIMIT: Final = 32_000_000  # bytes of a web page, unpacked
_NATIVE: Final = frozenset(
    ("http", "https", "m3u8_native", "m3u8", "http_dash_segments", "http_dash_segments_generator")
)
"""What yt-dlp downloads itself, without other programs."""
_NO_SITES: Final = frozenset(("generic", "CommonMistakes", "UnicodeBOM"))
_NO_CONNECTION: Final = (
    *("failed to resolve", "name resolution", "timed out", "connection refused"),
    *("unreachable", "no route to host", "certificate"),
)
_FOUND_IN_PAGE: Final = ("Generic", "HTML5MediaEmbed")


@dataclass(frozen=True)
class PageVideo:
    """A video that was downloaded, and what its page says about it. `cut`: which part of it,
    where only that was downloaded."""

    file: Path
    name: str
    page: str
    title: str
    author: str
    licence: str
    cut: Cut | None = None


def has_own_way(link: str) -> bool:
    """Whether yt-dlp knows the site that a link belongs to."""
    _load()
    from yt_dlp.extractor import gen_extractor_classes

    return any(
        one.IE_NAME not in _NO_SITES and one.suitable(link) for one in gen_extractor_classes()
    )


def download_page(
    link: str, place: Path, guard: Guard, settings: GatherSettings, reporter: Reporter
) -> Iterator[PageVideo]:
    """Download the videos of a page, at most `settings.videos`, into `place`.

    What an earlier call left there is gone on with. A page's picture and sound in separate files
    are put into one.

    Raises:
        LinkError: no video, a live stream, too large, too long, protected, or refused.
        StopRequested: between two pieces.
    """
    downloader = _downloader(guard, settings, reporter)
    with downloader as ydl:
        reporter.event("stage", name="video page", total=None, unit="")
        try:
            found = ydl.extract_info(link, download=False)
        except Exception as error:
            raise _page_error(link, error) from error
        videos = [one for one in (found or {}).get("entries") or [found] if one]
        if not videos:
            raise LinkError(f"{shown(link)}: there is no video on this page.")
        if found.get("extractor_key") in _FOUND_IN_PAGE and "entries" not in found:
            found["title"] = re.sub(r" \(1\)$", "", str(found.get("title")))  # the only one
        if len(videos) > settings.videos or (found.get("playlist_count") or 0) > settings.videos:
            reporter.event(
                "warning",
                text=f"{shown(link)} has more than one video; {settings.videos} taken. Take more "
                "with --videos.",
            )
        for number, video in enumerate(videos[: settings.videos], 1):
            yield _download_video(link, ydl, video, place / str(number), settings, reporter)


def _download_video(
    link: str,
    ydl: Any,
    video: dict[str, Any],
    place: Path,
    settings: GatherSettings,
    reporter: Reporter,
) -> PageVideo:
    if video.get("is_live") or video.get("live_status") in ("is_live", "is_upcoming"):
        raise LinkError(f"{shown(link)} is a live stream, which has no end. Try when it is over.")
    title = printable(clean(str(video.get("title") or "video")))[:150]
    if settings.start is None and settings.end is None:
        check_length(title, _number(video.get("duration")), settings)
    place.mkdir(exist_ok=True)
    page = PageVideo(
        file=place,
        name=title,
        page=str(video.get("webpage_url") or link),
        title=title,
        author=printable(str(video.get("uploader") or video.get("creator") or "")),
        licence=printable(str(video.get("license") or "")),
    )
    if settings.wants_part and (cut := _part_of(ydl, video, place, settings, reporter)):
        return replace(page, file=cut.path, name=f"{title}{cut.path.suffix}", cut=cut)
    files: list[Path] = []
    for one in video.get("requested_formats") or [video]:
        files.append(_download_format(link, ydl, video, one, place, files, settings, reporter))
    if len(files) > 1:
        reporter.event("stage", name="joining picture and sound", total=None, unit="")
        joined = copy_part(files[0], place / "whole", sound=files[1], check=reporter.check)
        files = [joined.path]
    return replace(page, file=files[0], name=f"{title}{files[0].suffix}")


def _part_of(
    ydl: Any, video: Mapping[str, Any], place: Path, settings: GatherSettings, reporter: Reporter
) -> Cut | None:
    """The wanted part alone, where the chosen formats are plain files whose server gives parts."""
    formats = video.get("requested_formats") or [video]
    if any(one.get("protocol") not in ("http", "https") for one in formats):
        return None
    links = []
    for one in formats:
        headers = {str(k): str(v) for k, v in (one.get("http_headers") or {}).items()}
        cookies = ydl.cookiejar.get_cookie_header(one["url"])
        links.append((str(one["url"]), headers | ({"Cookie": cookies} if cookies else {})))
    reporter.event("stage", name="download a part", total=None, unit="MB")
    found = copy_remote_part(links, place, ydl.guard, settings, reporter)
    return None if found is None else found[0]


def _download_format(
    link: str,
    ydl: Any,
    video: Mapping[str, Any],
    chosen: Mapping[str, Any],
    place: Path,
    before: list[Path],
    settings: GatherSettings,
    reporter: Reporter,
) -> Path:
    """Download one format (picture with sound, or one of them); its file."""
    size = chosen.get("filesize")
    if size and size > settings.max_size:
        raise LinkError(too_large(link, settings, int(size)))
    if size and (missing := no_room(place, int(size))):
        raise LinkError(missing)
    one = {key: value for key, value in video.items() if key != "requested_formats"} | {**chosen}
    suffix = re.sub(r"[^a-z0-9]", "", str(one.get("ext")).lower())[:5] or "mp4"
    # Another format, or one that has changed its size, must not be gone on with as this one.
    identity = f"{one.get('id')} {one.get('format_id')} {size} {one.get('height')}"
    file = place / f"{hashlib.sha256(identity.encode()).hexdigest()[:12]}.{suffix}"
    spent = sum(path.stat().st_size for path in before)
    ydl.watch = _Watch(link, str(one.get("title") or ""), spent, settings, reporter)
    reporter.event("stage", name="download", total=None, unit="MB")
    try:
        done, _ = ydl.dl(str(file), one)
    except Exception as error:
        raise _page_error(link, error) from error
    if not done or not file.is_file():
        raise _page_error(link, RuntimeError(ydl.last_error))
    return file


class _Watch:
    """Looks at a download as it goes on: what is asked for meanwhile, its size, its speed."""

    def __init__(
        self, link: str, name: str, spent: int, settings: GatherSettings, reporter: Reporter
    ) -> None:
        self._link, self._name, self._spent = link, printable(name)[:60], spent
        self._settings, self._reporter = settings, reporter
        self._since, self._before = time.monotonic(), 0

    def __call__(self, status: Mapping[str, Any]) -> None:
        asked = time.monotonic()
        self._reporter.check()
        self._since += time.monotonic() - asked
        done = int(status.get("downloaded_bytes") or 0)
        known = status.get("total_bytes")
        total = int(known or status.get("total_bytes_estimate") or 0) or None
        if self._spent + max(done, int(known or 0)) > self._settings.max_size:
            raise LinkError(too_large(self._link, self._settings, known and int(known)))
        self._check_speed(done)
        progress(
            self._reporter, self._name, done, total, status.get("speed"), _number(status.get("eta"))
        )

    def _check_speed(self, done: int) -> None:
        passed = time.monotonic() - self._since
        if passed < self._settings.patience:
            return
        if done - self._before < self._settings.slowest * passed:
            raise LinkError(
                f"{shown(self._link)} comes too slowly and was given up. Run the same command "
                "again: it goes on from there."
            )
        self._since, self._before = time.monotonic(), done


def _load() -> None:
    os.environ["YTDLP_NO_PLUGINS"] = "1"  # read when yt_dlp is imported


def _downloader(guard: Guard, settings: GatherSettings, reporter: Reporter) -> Any:
    """A YoutubeDL that goes through the guard; `last_error` and `watch` are ours."""
    _load()
    from yt_dlp import YoutubeDL
    from yt_dlp.networking._requests import RequestsRH
    from yt_dlp.networking.exceptions import HTTPError

    class GuardedRH(RequestsRH):  # type: ignore[misc]
        def _create_instance(self, *args: Any, **kwargs: Any) -> Any:
            session = super()._create_instance(*args, **kwargs)
            guard.watch_session(session)
            return session

    class Downloader(YoutubeDL):  # type: ignore[misc]
        last_error = ""
        watch: Any = None
        guard: Guard

        def build_request_director(self, handlers: Any, preferences: Any = None) -> Any:
            return super().build_request_director([GuardedRH], preferences)

        def urlopen(self, req: Any) -> Any:
            reporter.check()
            try:
                with guard.hurry(settings.timeout * 2):
                    response = super().urlopen(req)
            except HTTPError as error:
                _limit(error.response, guard, settings, reporter)
                raise
            return _limit(response, guard, settings, reporter)

    def hook(status: Mapping[str, Any]) -> None:
        if ydl.watch is not None:
            ydl.watch(status)

    def pause(n: int) -> float:
        wait(min(settings.wait * 2**n, 60.0), reporter)
        return 0.0

    ydl: Any = Downloader(
        {
            "allowed_extractors": ["default"],
            "cachedir": False,
            "color": "never",
            "continuedl": True,
            "extractor_retries": 1,
            "ffmpeg_location": "/nonexistent",  # it would open links past the guard
            "format": _selector(settings.resolution),
            "fragment_retries": settings.retries,
            "hls_prefer_native": True,
            "ignoreerrors": False,
            "logger": _Log(lambda text: setattr(ydl, "last_error", text)),
            "noplaylist": True,
            "noprogress": True,
            "overwrites": False,
            "playlistend": settings.videos,
            "postprocessors": [],
            "progress_hooks": [hook],
            "quiet": True,
            "restrictfilenames": True,
            "retries": settings.retries,
            "retry_sleep_functions": {"http": pause, "fragment": pause, "extractor": pause},
            "skip_unavailable_fragments": False,
            "socket_timeout": settings.timeout,
            "updatetime": False,
            "usenetrc": False,
        }
    )
    ydl.guard = guard
    return ydl


def _limit(response: Any, guard: Guard, settings: GatherSettings, reporter: Reporter) -> Any:
    """`response`, whose `read` ends: in time, and a page's also in size."""
    read = response.read

    def limited(amt: int | None = None) -> bytes:
        reporter.check()
        if amt is not None:
            with guard.hurry(settings.patience * 2):
                return bytes(read(amt))
        pieces: list[bytes] = []
        size = 0
        with guard.hurry(settings.patience * 2):
            while piece := read(1 << 16):
                size += len(piece)
                if size > PAGE_LIMIT:
                    raise LinkError(
                        f"{shown(response.url)} is a page of more than {PAGE_LIMIT / 1e6:.0f} MB, "
                        "which none has that means well. It was left."
                    )
                pieces.append(piece)
        return b"".join(pieces)

    response.read = limited
    return response


def _selector(resolution: int | None) -> Any:
    """yt-dlp's `format`: the best picture of at most so many rows, else the smallest there is, and
    the best sound."""

    def choose(context: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        usable = [
            one
            for one in context["formats"]  # the best one last
            if one.get("protocol") in _NATIVE and not one.get("has_drm")
        ]
        pictures = [one for one in usable if one.get("vcodec") != "none"]
        if not pictures:
            return
        limit = math.inf if resolution is None else resolution
        fitting = [one for one in pictures if (one.get("height") or 0) <= limit]
        picture = fitting[-1] if fitting else min(pictures, key=lambda one: int(one["height"]))
        sounds = [one for one in usable if one.get("vcodec") == "none"]
        if picture.get("acodec") != "none" or not sounds:
            yield picture
            return
        sound = sounds[-1]
        yield {
            "format_id": f"{picture['format_id']}+{sound['format_id']}",
            "ext": picture["ext"],
            "requested_formats": [picture, sound],
            "protocol": f"{picture['protocol']}+{sound['protocol']}",
        }

    return choose


class _Log:
    """Takes what yt-dlp says and keeps its last error."""

    def __init__(self, keep: Any) -> None:
        self._keep = keep

    def debug(self, text: str) -> None:
        """What it does, step by step."""

    def warning(self, text: str) -> None:
        """What it thinks of the site."""

    def error(self, text: str) -> None:
        """Why something failed."""
        self._keep(text)


def _page_error(link: str, error: Exception) -> SwapdeckError:
    """yt-dlp's error as a sentence; one of ours that it carried comes out as it was."""
    cause = refusal(error)
    if isinstance(cause, PrivateAddressError):
        return LinkError(private_sentence(link))
    if cause is not None:
        return cause
    text = printable(clean(str(error)))
    if any(word in text.lower() for word in _NO_CONNECTION):
        return LinkError(unreachable(link, error))
    text = re.sub(r"^ERROR: ", "", text)
    text = re.sub(r"^\[[\w:+-]+\] (?:[\w-]+: )?", "", text)
    text = re.split(r"[;.] (?:please report|See |Use --|Set --|Confirm you)", text)[0]
    if "Unsupported URL" in text:
        return LinkError(f"{shown(link)}: there is no video on this page that can be found.")
    return LinkError(f"{shown(link)}: no video could be taken from this page ({text[:200]}).")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
