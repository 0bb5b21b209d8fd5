"""What gathering can be asked for, described once, and the arguments of the job that it becomes."""

from __future__ import annotations

import glob
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from projects.errors import CommandError
from projects.names import printable
from projects.options import Option
from projects.written import moment, size

LICENCES = ("any", "public-domain", "share", "share-commercially", "modify", "modify-commercially")

OPTIONS = (
    Option("sources", "Files and links", "text",
           help="Videos, pictures, folders, patterns such as 'clips/*.mp4', and links, with blanks "
           "between them; quotes around one that has blanks."),
    Option("search", "Search words", "text", group="Picture search",
           help="Search the web for pictures of these words."),
    Option("count", "How many", "int", 50, minimum=1, maximum=1000, unit="pictures",
           group="Picture search", help="At most so many pictures are brought in."),
    Option("licence", "Licence", "choice", "any", choices=LICENCES, group="Picture search",
           help="Only pictures that the service takes to be licensed so; it is noted, not judged."),
    Option("min_width", "Least width", "int", 0, minimum=0, unit="px", group="Picture search",
           help="Pictures less wide are left out."),
    Option("min_size", "Least size", "int", 256, minimum=0, unit="px", group="Picture search",
           help="Pictures whose shorter side is less are left out."),
    Option("start", "From", "text", group="Videos", help="Take videos from this moment: 1:20."),
    Option("end", "To", "text", group="Videos", help="Take videos up to this moment: 2:05."),
    Option("resolution", "Rows at most", "int", minimum=1, unit="rows", group="Videos",
           help="From a video page: at most so many rows, as 720. Empty is the best there is."),
    Option("videos", "Videos a page", "int", 1, minimum=1, maximum=100, group="Videos",
           help="From a page with several videos: how many."),
    Option("max_duration", "Longest", "text", group="Videos",
           help="Longer videos are left out, as 10:00."),
    Option("max_size", "Largest file", "text", "4G", group="Downloads",
           help="Larger downloads are given up, as 500M."),
    Option("duplicates", "Duplicates", "choice", choices=("keep", "skip"), group="Downloads",
           help="What looks like a source that is there. Empty keeps what was named and skips what "
           "a search found."),
    Option("timeout", "Patience", "float", 20.0, minimum=0.1, unit="s", group="Downloads",
           help="So long may a server be silent."),
    Option("allow_private", "Private networks", "bool", default=False, group="Downloads",
           help="Open links to this machine and to private networks too."),
)  # fmt: skip
_SEARCH = ("count", "licence", "min_width", "min_size")


def gather_arguments(
    person: str,
    sources: Sequence[str],
    search: Mapping[str, Any] | None,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """The arguments of the job that brings `sources` in for the person with this slug.

    search: `words` and the options of a picture search, or None. settings: the others, as numbers;
    those that are None are left to their defaults.

    Raises:
        CommandError: nothing is asked for, a file is not there, or a part ends before it begins.
    """
    if not sources and search is None:
        raise CommandError("Name a source to bring in, or words to search pictures for.")
    if search is not None and not str(search["words"]).strip():
        raise CommandError("A search needs words to search for.")
    start, end = settings.get("start"), settings.get("end")
    if start is not None and end is not None and end <= start:
        raise CommandError("The end of the part (--to) must be later than its start (--from).")
    return {
        "person": person,
        **sorted_sources(sources),
        "search": None if search is None else {**search, "words": str(search["words"]).strip()},
        "settings": {key: value for key, value in settings.items() if value is not None},
    }


def from_form(person: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The job's arguments from the values of OPTIONS.

    Raises:
        CommandError: as `gather_arguments`, or a time or size that is none.
    """
    try:
        sources = shlex.split(str(values.get("sources") or ""))
    except ValueError as error:
        raise CommandError("A quote among the files and links is not closed.") from error
    sources = [str(Path(one).expanduser()) if one.startswith("~") else one for one in sources]
    words = str(values.get("search") or "").strip()
    search = {"words": words, **{name: values[name] for name in _SEARCH}} if words else None
    settings = {
        option.name: values.get(option.name)
        for option in OPTIONS
        if option.group not in ("", "Picture search")
    }
    for name, read in (
        ("start", moment), ("end", moment), ("max_duration", moment), ("max_size", size),
    ):  # fmt: skip
        written = settings[name]
        settings[name] = None if written is None else read(written)
    return gather_arguments(person, sources, search, settings)


def sorted_sources(sources: Sequence[str]) -> dict[str, list[str]]:
    """Which of the sources are paths, patterns and links; paths absolute, as a job needs them."""
    paths, patterns, links = [], [], []
    for source in sources:
        path = Path(source)
        if _exists(path):
            paths.append(str(path.absolute()))
        elif re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", source):
            links.append(source)
        elif glob.has_magic(source):
            patterns.append(str(Path(glob.escape(str(Path.cwd()))) / source))
        else:
            raise CommandError(
                f"There is no {printable(source)}. Give the path of a video, image or folder, or a "
                "link that begins with https://."
            )
    return {"paths": paths, "patterns": patterns, "links": links}


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a path, or a NUL
        return False
