"""`swapdeck gather`: bring footage in as a person's sources."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from engine.cli.follow import run_job
from engine.cli.options import detach_option, moment, size
from engine.cli.session import Session, Verb, pass_session
from engine.gather.settings import LICENCES, GatherSettings, Search
from engine.text import count


@click.command(cls=Verb)
@click.argument("person")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--search", metavar="WORDS", help="Search the web for pictures of these words.")
@click.option(
    "--count",
    "number",
    type=click.IntRange(1, 1000),
    default=Search.count,
    show_default=True,
    help="With --search: how many pictures.",
)
@click.option(
    "--licence",
    type=click.Choice(tuple(LICENCES)),
    default=Search.licence,
    show_default=True,
    help="With --search: only pictures that the service takes to be licensed so.",
)
@click.option(
    "--min-width", type=click.IntRange(0), default=0, help="With --search: pixels across at least."
)
@click.option(
    "--min-size",
    type=click.IntRange(0),
    default=Search.min_size,
    show_default=True,
    help="With --search: pixels of the shorter side at least.",
)
@click.option(
    "--max-size",
    type=size,
    default=GatherSettings.max_size,
    show_default="4G",
    help="Largest download, as in 500M.",
)
@click.option("--max-duration", type=moment, help="Longest video, as in 10:00.")
@click.option(
    "--resolution",
    type=click.IntRange(1),
    metavar="HEIGHT",
    help="From a video page: at most so many rows, as in 720  [default: the best]",
)
@click.option(
    "--videos",
    type=click.IntRange(1, 100),
    default=GatherSettings.videos,
    show_default=True,
    help="From a page with several videos: how many.",
)
@click.option("--from", "start", type=moment, help="Take videos from this moment, as in 1:20.")
@click.option("--to", "end", type=moment, help="Take videos up to this moment.")
@click.option(
    "--duplicates",
    type=click.Choice(("keep", "skip")),
    help="What looks like a source that is there: bring it in, or leave it out.  "
    "[default: keep; skip with --search]",
)
@click.option(
    "--allow-private",
    is_flag=True,
    help="Open links to this machine and private networks too.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1),
    default=GatherSettings.timeout,
    show_default=True,
    help="Seconds that a server may be silent.",
)
@detach_option
@pass_session
def gather(
    session: Session,
    person: str,
    sources: tuple[str, ...],
    search: str | None,
    number: int,
    licence: str,
    min_width: int,
    min_size: int,
    detach: bool,
    **settings: Any,
) -> None:
    """Bring footage in as PERSON's sources.

    A SOURCE is a video or picture, a folder of them (with all below it), a quoted pattern such as
    'clips/*.mp4', a link to a video or picture, or the address of a page with a video. Everything
    is copied into the workspace with a record of where it came from. What cannot be used is said,
    and the rest goes on; interrupted downloads are gone on with when the command is run again.

    \b
      swapdeck gather ada clip.mp4 photos/
      swapdeck gather ada https://example.org/talk --resolution 720 --from 1:20 --to 2:05
      swapdeck gather ada --search "ada lovelace" --licence public-domain --count 30

    Use only footage that you have the right to use: licences are recorded, not judged.
    """
    from projects.gather_request import gather_arguments
    from projects.people import get_person

    if not sources and search is None:
        raise click.UsageError("Name a SOURCE to bring in, or --search for pictures.")
    if search is not None and not search.strip():
        raise click.UsageError("--search needs words to search for.")
    workspace = session.open()
    one = get_person(workspace, person)
    wanted = None
    if search is not None:
        wanted = asdict(Search(search.strip(), number, licence, min_width, min_size))
    arguments = gather_arguments(one.slug, sources, wanted, settings)
    outcome = run_job(session, workspace, "gather", one.slug, arguments, detach=detach)
    for result in outcome.results:
        session.output.remark(f"{_account(one.slug, result)}. Next: swapdeck extract {one.slug}")


def _account(person: str, result: Any) -> str:
    text = f"{count(result['added'], 'source')} added to {person}"
    for key, words in (
        ("known", "known already"),
        ("skipped", "left out as duplicates"),
        ("refused", "refused"),
    ):
        if result.get(key):
            text += f", {result[key]} {words}"
    return text
