"""Links: a file that is a picture or a video is fetched, any other page is searched for a video."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from engine.gather.downloads import place_for
from engine.gather.fetch import fetch, is_disk
from engine.gather.guard import Guard, shown
from engine.gather.intake import Arrival, GatherError, Intake
from engine.gather.settings import Duplicates, GatherSettings
from engine.media import MediaError
from engine.media.pictures import picture_format
from projects.errors import StopRequested, SwapdeckError
from projects.names import printable
from projects.sources import About, Source


def take_links(links: Sequence[str], guard: Guard, intake: Intake) -> None:
    """Bring in what each link leads to; what is refused is noted, and the rest goes on.

    Raises StopRequested, and SwapdeckError where no other link can do better (a full disk).
    """
    for link in links:
        intake.reporter.check()
        try:
            guard.check_link(link)
            _take_link(link, guard, intake)
        except StopRequested:
            raise
        except SwapdeckError as error:
            if is_disk(error):
                raise
            intake.refuse(shown(link), error, named=True)


def take_picture(
    link: str,
    about: About,
    guard: Guard,
    intake: Intake,
    settings: GatherSettings,
    policy: Duplicates,
    fits: Callable[[Path], None],
) -> Source | None:
    """Fetch one picture, which `fits` may refuse by raising, and bring it in; see Intake.take."""
    with place_for(intake.person, f"link {link}") as place:
        found = fetch(link, place, guard, settings, intake.reporter)
        if found is None or picture_format(found.path) is None:
            raise MediaError(f"{shown(link)} is no picture.")
        fits(found.path)
        origin = shown_whole(link)
        return intake.take(Arrival(found.path, origin, False, found.name, about, True), policy)


def shown_whole(link: str) -> str:
    """A link as it is recorded: without a password, but of any length."""
    parts = urlsplit(link)
    return printable(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())


def _take_link(link: str, guard: Guard, intake: Intake) -> None:
    from engine.gather.video_page import download_page, has_own_way

    settings, reporter = intake.settings, intake.reporter
    policy = settings.duplicates or "keep"
    what = f"link {link}"
    if not has_own_way(link):
        reporter.event("stage", name="download", total=None, unit="MB")
        with place_for(intake.person, what) as place:
            if _take_part(link, place, guard, intake, policy):
                return
            found = fetch(link, place, guard, settings, reporter)
            if found is not None:
                arrival = Arrival(found.path, shown_whole(link), True, found.name)
                _take(intake, arrival, policy, link)
                return
    with place_for(intake.person, f"page {link} {settings.resolution}") as place:
        refused: list[SwapdeckError] = []
        for video in download_page(link, place, guard, settings, reporter, refused.append):
            about = About(
                page=shown_whole(video.page),
                title=video.title,
                author=video.author,
                licence=video.licence,
            )
            arrival = Arrival(video.file, shown_whole(link), True, video.name, about)
            if video.cut is not None:
                arrival = intake.cut_out(arrival, video.cut)
            _take(intake, arrival, policy, link)
        for error in refused[:-1]:
            intake.refuse(shown(link), error, named=True)
        if refused:
            raise refused[-1]  # out of `place_for`, which then keeps what can be gone on with


def _take_part(link: str, place: Path, guard: Guard, intake: Intake, policy: Duplicates) -> bool:
    """Take in the wanted part of a video without the rest, where its server lets that be done."""
    from engine.gather.remote import copy_remote_part

    if not intake.settings.wants_part:
        return False
    found = copy_remote_part([(link, {})], place, guard, intake.settings, intake.reporter)
    if found is None:
        return False
    cut, name = found
    arrival = intake.cut_out(Arrival(cut.path, shown_whole(link), True, name), cut)
    _take(intake, arrival, policy, link)
    return True


def _take(intake: Intake, arrival: Arrival, policy: Duplicates, link: str) -> None:
    """Take a download in, with its link instead of its temporary name in what is said."""
    try:
        intake.take(replace(arrival, own=True), policy)
    except MediaError as error:
        temporary = re.escape(str(arrival.file.parent)) + r"/[\w.-]+"
        text = re.sub(temporary, lambda _: shown(link), str(error))
        intake.refuse(shown(link), GatherError(text), named=True)
