"""Everything that one `gather` asks for, from wherever it comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.gather.downloads import sweep_downloads
from engine.gather.guard import guarded
from engine.gather.intake import Gathered, Intake
from engine.gather.local import take_paths
from engine.gather.settings import GatherSettings, Search
from engine.reporting import Reporter
from projects.errors import StopRequested, SwapdeckError
from projects.people import Person


@dataclass(frozen=True)
class Request:
    """What is asked for. `patterns` are absolute, for glob."""

    paths: tuple[Path, ...] = ()
    patterns: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    search: Search | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Request:
        """The request in a job's arguments."""
        search = arguments.get("search")
        return cls(
            tuple(Path(path) for path in arguments.get("paths") or ()),
            tuple(arguments.get("patterns") or ()),
            tuple(arguments.get("links") or ()),
            None if search is None else Search(**search),
        )


def gather(
    person: Person, request: Request, settings: GatherSettings, reporter: Reporter
) -> Gathered:
    """Bring what was asked for into the person's sources.

    What is refused is said in a warning each, and the rest goes on. Raises GatherError at the end
    when something that was named itself was refused, or when nothing was found at all; what could
    be brought in stays. Raises SwapdeckError when the disk is full, StopRequested between two
    files and in downloads, which the next run goes on with.
    """
    intake = Intake(person, settings, reporter)
    sweep_downloads(person)
    if request.paths or request.patterns:
        take_paths(request.paths, request.patterns, intake)
    if request.links or request.search:
        with guarded(settings.allow_private) as guard:
            _take_from_network(request, intake, guard)
    asked = [*map(str, request.paths), *request.patterns, *request.links]
    return intake.result(asked + ([request.search.words] if request.search else []))


def gather_paths(person: Person, paths: Sequence[Path], reporter: Reporter) -> Gathered:
    """`gather` for files and folders alone."""
    return gather(person, Request(paths=tuple(paths)), GatherSettings(), reporter)


def _take_from_network(request: Request, intake: Intake, guard: Any) -> None:
    from engine.gather.links import take_links
    from engine.gather.search import take_search

    take_links(request.links, guard, intake)
    if request.search is not None:
        try:
            take_search(request.search, guard, intake)
        except StopRequested:
            raise
        except SwapdeckError as error:
            intake.refuse(request.search.words, error, named=True)
