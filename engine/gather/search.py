"""Image search: services that find pictures for words, and bringing their pictures in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

from engine.gather.fetch import is_disk
from engine.gather.guard import Guard, LinkError, refusal, shown
from engine.gather.intake import GatherError, Intake
from engine.gather.links import take_picture
from engine.gather.settings import LICENCES, Search
from engine.media.pictures import picture_size
from engine.reporting import Reporter
from engine.text import count
from projects.errors import CommandError, StopRequested, SwapdeckError
from projects.names import printable
from projects.sources import About, Source

MAX_PICTURE: Final = 60_000_000  # bytes
PAGES: Final = 10  # of results that are asked for at most
_TRIES: Final = 4  # results looked at for each picture that is wanted


@dataclass(frozen=True)
class Found:
    """A picture that a service found. `width` and `height` are what it says, 0 where it does not;
    `licence` what it says about the use."""

    link: str
    page: str
    title: str
    author: str
    licence: str
    width: int
    height: int


class ImageSource(Protocol):
    """A service that finds pictures; `SOURCES` has them by name."""

    def find(self, search: Search, guard: Guard, timeout: float) -> Iterator[Found]:
        """Pictures for the words of a search, best first, page after page.

        Raises:
            LinkError: the service cannot be reached or does not answer.
        """


class DuckDuckGo:
    """DuckDuckGo's image search by ddgs. Of all that ddgs has, it alone heeds a licence."""

    def find(self, search: Search, guard: Guard, timeout: float) -> Iterator[Found]:
        from ddgs.engines.duckduckgo_images import DuckduckgoImages
        from ddgs.exceptions import DDGSException, TimeoutException

        engine = DuckduckgoImages(timeout=max(1, round(timeout)))
        engine.http_client.client.follow_redirects = False
        said = f"searched as '{search.licence}' (not verified)" if LICENCES[search.licence] else ""
        extra = {"license_image": LICENCES[search.licence]} if said else {}
        for page in range(1, PAGES + 1):
            guard.check_host(engine.search_url)
            try:
                results = engine.search(search.words, page=page, **extra)
            except TimeoutException as error:
                raise LinkError("The image search does not answer. Try again later.") from error
            except (DDGSException, json.JSONDecodeError, AttributeError) as error:
                raise _search_error(error) from error
            if results is None:
                raise LinkError(
                    "The image search refuses to answer now; it limits how often one may ask. Try "
                    "again in some minutes."
                )
            for one in results:
                yield Found(
                    link=str(one.image or ""),
                    page=str(one.url or ""),
                    title=str(one.title or ""),
                    author=str(one.source or ""),
                    licence=said,
                    width=_pixels(one.width),
                    height=_pixels(one.height),
                )
            if not results:
                return


SOURCES: dict[str, Callable[[], ImageSource]] = {"duckduckgo": DuckDuckGo}


def take_search(search: Search, guard: Guard, intake: Intake) -> None:
    """Bring in the pictures that a search finds, until there are `search.count`.

    Pictures that were there already count; those that look like one that is there are left out
    unless duplicates are to be kept. A picture that is refused is noted and the next one tried.

    Raises:
        GatherError: nothing was found, or nothing of it could be used.
        LinkError: the service cannot be reached.
        SwapdeckError: the disk is full.
    """
    if search.service not in SOURCES:
        raise CommandError(f"There is no image search '{printable(search.service)}'.")
    reporter = intake.reporter
    reporter.event("stage", name="search", total=search.count, unit="pictures")
    came: set[str] = set()
    small = 0
    seen: set[str] = set()
    for found in _found(search, guard, intake):
        if len(came) >= search.count or len(seen) >= _TRIES * search.count:
            break
        reporter.check()
        if found.link in seen:
            continue
        seen.add(found.link)
        _progress(reporter, len(came), search.count, found.title)
        try:
            source = _take(found, search, guard, intake)
        except _SmallError:
            small += 1
        else:
            if source is not None:
                came.add(source.digest)
    if small:
        reporter.event("warning", text=f"Left out as too small: {count(small, 'picture')}.")
    if not seen:
        raise GatherError(
            f"The image search found nothing for '{printable(search.words)}'. Try other words"
            + (", or another --licence." if search.licence != "any" else ".")
        )
    if not came and not intake.skipped:
        raise GatherError(
            f"None of the {count(len(seen), 'picture')} found for '{printable(search.words)}' "
            f"could be used; {small} of them too small. See the warnings."
        )
    if len(came) < search.count:
        reporter.event(
            "warning", text=f"The search gave {len(came)} of the {search.count} pictures asked for."
        )


def _found(search: Search, guard: Guard, intake: Intake) -> Iterator[Found]:
    """What the service finds; when it ends with an error after some results, that is a warning."""
    any_came = False
    try:
        for found in SOURCES[search.service]().find(search, guard, intake.settings.timeout):
            any_came = True
            yield found
    except LinkError as error:
        if not any_came:
            raise
        intake.reporter.event("warning", text=str(error))


def _take(found: Found, search: Search, guard: Guard, intake: Intake) -> Source | None:
    """Bring in one picture; None when it is left out, which is noted. Raises _SmallError."""
    if _too_small(search, found.width, found.height):
        raise _SmallError
    size = min(MAX_PICTURE, intake.settings.max_size)
    settings = replace(intake.settings, max_size=size, retries=1)
    policy = intake.settings.duplicates or "skip"
    about = About(page=found.page, title=found.title, author=found.author, licence=found.licence)
    try:
        link = guard.check_link(found.link)
        return take_picture(link, about, guard, intake, settings, policy, _size_check(search))
    except (StopRequested, _SmallError):
        raise
    except SwapdeckError as error:
        if is_disk(error):
            raise
        intake.refuse(shown(found.link), error, named=False)
        return None


class _SmallError(SwapdeckError):
    """A picture that has fewer pixels than were asked for."""


def _progress(reporter: Reporter, done: int, total: int, title: str) -> None:
    text = printable(title)[:60]
    reporter.event(
        "progress", stage="search", done=done, total=total, rate=None, eta=None, text=text
    )


def _size_check(search: Search) -> Callable[[Path], None]:
    def check(file: Path) -> None:
        if _too_small(search, *picture_size(file)):
            raise _SmallError

    return check


def _too_small(search: Search, width: int, height: int) -> bool:
    """Whether a picture is smaller than asked for; one of unknown size (0) is not."""
    if not width or not height:
        return False
    return width < search.min_width or min(width, height) < search.min_size


def _pixels(value: Any) -> int:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _search_error(error: Exception) -> SwapdeckError:
    cause = refusal(error)
    if isinstance(cause, SwapdeckError):
        return cause
    text = f"{error!r} {error}".lower()
    if any(word in text for word in ("dns", "connect", "resolve", "network")):
        return LinkError(
            "The image search cannot be reached. Check that this machine is on the internet."
        )
    if "timed out" in text or "timeout" in text:
        return LinkError("The image search does not answer. Try again later.")
    return LinkError(
        "The image search gave an answer that cannot be read; it may limit how often one may ask. "
        "Try again in some minutes, or update ddgs."
    )
