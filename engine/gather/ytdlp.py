"""yt-dlp on a short lead.

Left alone it would load plugins, follow redirects to ftp, hand streams to an ffmpeg that asks
nobody, read pages without end and let a size limit pass silently. Here it may use Python's sockets
only (see guard) and reads no page of more than PAGE_LIMIT bytes.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from engine.gather.fetch import wait
from engine.gather.guard import (
    Guard,
    LinkError,
    PrivateAddressError,
    private_sentence,
    refusal,
    shown,
    unreachable,
)
from engine.gather.settings import GatherSettings
from engine.reporting import Reporter
from engine.text import clean
from projects.errors import StopRequested, SwapdeckError
from projects.names import printable

PAGE_LIMIT: Final = 32_000_000  # bytes of a web page, unpacked
_NATIVE: Final = frozenset(
    ("http", "https", "m3u8_native", "m3u8", "http_dash_segments", "http_dash_segments_generator")
)
"""What yt-dlp downloads itself, without other programs."""
_NO_CONNECTION: Final = (
    *("failed to resolve", "name resolution", "timed out", "connection refused"),
    *("unreachable", "no route to host", "certificate"),
)


def load() -> None:
    """To be called before yt_dlp is imported for the first time."""
    os.environ["YTDLP_NO_PLUGINS"] = "1"


def new_downloader(guard: Guard, settings: GatherSettings, reporter: Reporter) -> Any:
    """A YoutubeDL that goes through the guard; `last_error`, `watch` and `slow` (the last
    read was ended because it took too long) are ours."""
    load()
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
        slow = False
        watch: Any = None
        guard: Guard

        def build_request_director(self, handlers: Any, preferences: Any = None) -> Any:
            return super().build_request_director([GuardedRH], preferences)

        def process_ie_result(
            self, ie_result: Any, download: bool = True, extra_info: Any = None
        ) -> Any:
            """As yt-dlp's own, but one entry of a list that cannot be had does not end the list:
            in its place is {"refused": the error}."""
            try:
                return super().process_ie_result(ie_result, download, extra_info)
            except Exception as error:
                stopped = isinstance(refusal(error), StopRequested)
                if stopped or "playlist_index" not in (extra_info or {}):
                    raise
                return {"refused": error}

        def urlopen(self, req: Any) -> Any:
            reporter.check()
            try:
                with guard.hurry(settings.timeout * 2):
                    response = super().urlopen(req)
            except HTTPError as error:
                _limit(error.response, self, settings, reporter)
                raise
            return _limit(response, self, settings, reporter)

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
            "format": selector(settings.resolution),
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


def _limit(response: Any, ydl: Any, settings: GatherSettings, reporter: Reporter) -> Any:
    """`response`, whose `read` ends: in time, and a page's also in size."""
    read = response.read

    def limited(amt: int | None = None) -> bytes:
        reporter.check()
        began = time.monotonic()
        ydl.slow = False
        try:
            with ydl.guard.hurry(settings.patience * 2):
                return _read_page(response.url, read) if amt is None else bytes(read(amt))
        except Exception:
            ydl.slow = time.monotonic() - began >= settings.patience * 2
            raise

    response.read = limited
    return response


def _read_page(link: str, read: Callable[[int], bytes]) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := read(1 << 16):
        size += len(piece)
        if size > PAGE_LIMIT:
            raise LinkError(
                f"{shown(link)} is a page of more than {PAGE_LIMIT / 1e6:.0f} MB, which none has "
                "that means well. It was left."
            )
        pieces.append(piece)
    return b"".join(pieces)


def selector(resolution: int | None) -> Any:
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


def too_slow(link: str) -> str:
    """Why a download from a page is given up that hardly goes on."""
    return (
        f"{shown(link)} comes too slowly and was given up. Run the same command again: it goes on "
        "from there."
    )


def page_error(link: str, error: Exception, *, slow: bool = False) -> SwapdeckError:
    """yt-dlp's error as a sentence; one of ours that it carried comes out as it was. `slow`: it
    came after a read that took too long."""
    cause = refusal(error)
    if isinstance(cause, PrivateAddressError):
        return LinkError(private_sentence(link))
    if cause is not None:
        return cause
    if slow:
        return LinkError(too_slow(link))
    text = printable(clean(str(error)))
    if "No space left" in text:
        return LinkError("The disk is full. Free some space and run the same command again.")
    if any(word in text.lower() for word in _NO_CONNECTION):
        return LinkError(unreachable(link, error))
    text = re.sub(r"^ERROR: ", "", text)
    text = re.sub(r"^\[[\w:+-]+\] (?:[\w-]+: )?", "", text)
    text = re.split(r"[;.] (?:please report|See |Use --|Set --|Confirm you)", text)[0]
    if "Unsupported URL" in text:
        return LinkError(f"{shown(link)}: there is no video on this page that can be found.")
    return LinkError(f"{shown(link)}: no video could be taken from this page ({text[:200]}).")
