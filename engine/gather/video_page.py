"""Videos on web pages: found by yt-dlp, chosen, downloaded, and put together."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from engine.gather.fetch import is_disk, no_room, progress, too_large
from engine.gather.guard import Guard, LinkError, shown
from engine.gather.intake import check_length
from engine.gather.remote import copy_remote_part
from engine.gather.settings import GatherSettings
from engine.gather.ytdlp import load, new_downloader, page_error, too_slow
from engine.media.cut import Cut, copy_part
from engine.reporting import Reporter
from engine.text import clean
from projects.errors import StopRequested, SwapdeckError
from projects.files import remove_tree
from projects.names import printable

_NO_SITES: Final = frozenset(("generic", "CommonMistakes", "UnicodeBOM"))
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
    load()
    from yt_dlp.extractor import gen_extractor_classes

    return any(
        one.IE_NAME not in _NO_SITES and one.suitable(link) for one in gen_extractor_classes()
    )


def download_page(
    link: str,
    place: Path,
    guard: Guard,
    settings: GatherSettings,
    reporter: Reporter,
    refuse: Callable[[SwapdeckError], None],
) -> Iterator[PageVideo]:
    """Download the videos of a page, at most `settings.videos`, into `place`.

    What an earlier call left there is gone on with. A page's picture and sound in separate files
    are put into one. `refuse` is called for each video that is live, too large, too long,
    protected or cannot be had otherwise, and the next one is tried.

    Raises:
        LinkError: the page is refused, or holds no video.
        SwapdeckError: the disk is full.
        StopRequested: between two pieces.
    """
    downloader = new_downloader(guard, settings, reporter)
    with downloader as ydl:
        reporter.event("stage", name="video page", total=None, unit="")
        try:
            found = ydl.extract_info(link, download=False)
        except Exception as error:
            raise page_error(link, error, slow=ydl.slow) from error
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
            folder = place / str(number)
            try:
                if "refused" in video:
                    raise page_error(link, video["refused"])
                done = _download_video(link, ydl, video, folder, settings, reporter)
            except StopRequested:
                raise
            except SwapdeckError as error:
                if is_disk(error):
                    raise
                refuse(LinkError(f"Video {number}: {error}") if len(videos) > 1 else error)
            else:
                yield done
                remove_tree(folder)


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
    what = f"The wanted part of {title}" if settings.wants_part else title
    check_length(what, _wanted_length(_number(video.get("duration")), settings), settings)
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


def _wanted_length(seconds: float | None, settings: GatherSettings) -> float | None:
    """How much is wanted of a video of so many seconds; None where its own length is not known,
    which may be less than what --to asks for."""
    if seconds is None:
        return None
    end = seconds if settings.end is None else min(seconds, settings.end)
    return end - (settings.start or 0.0)


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
        raise page_error(link, error, slow=ydl.slow) from error
    if not done or not file.is_file():
        raise page_error(link, RuntimeError(ydl.last_error), slow=ydl.slow)
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
            raise LinkError(too_slow(self._link))
        self._since, self._before = time.monotonic(), done


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
