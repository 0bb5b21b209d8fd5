"""`swapdeck extract`: find and judge every face in a person's sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.follow import run_job
from engine.cli.options import absolute, detach_option, landmark_model_option, span
from engine.cli.session import Session, Verb, pass_session
from engine.text import count

_PICTURE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(cls=Verb)
@click.argument("person")
@click.option(
    "--every", type=click.IntRange(min=1), default=1, show_default=True, help="Every Nth frame."
)
@click.option(
    "--range", "part", type=span, help="Only this part of each video, as in 1:20..2:05 or 1:20.."
)
@click.option(
    "--max-faces",
    type=click.IntRange(1, 1000),
    help="At most so many faces a frame, the largest.  [default: 8]",
)
@click.option(
    "--min-size",
    type=click.IntRange(min=0),
    help="Reject faces less wide than this many pixels.  [default: 48]",
)
@click.option(
    "--min-sharpness", type=click.FloatRange(min=0), help="Reject blurrier faces.  [default: 0.5]"
)
@click.option(
    "--detector",
    metavar="KIND",
    help="hog, mmod (slow; profiles, sunglasses), mmod:FILE.dat or yunet:FILE.onnx.  "
    "[default: hog]",
)
@click.option(
    "--upsample",
    type=click.IntRange(0, 3),
    help="Double frames so often first, for faces below 80 pixels.  [default: 0]",
)
@click.option(
    "--rotate",
    type=click.Choice(("0", "90", "180", "270")),
    help="Degrees to turn sideways footage clockwise.  [default: 0]",
)
@click.option("--like", type=_PICTURE, multiple=True, help="A picture of PERSON. May be repeated.")
@click.option(
    "--not-like", type=_PICTURE, multiple=True, help="A picture of somebody else. May be repeated."
)
@click.option("--forget", is_flag=True, help="Forget the pictures that were given before.")
@click.option("--again", is_flag=True, help="Look at every source again from its first frame.")
@click.option(
    "--workers",
    type=click.IntRange(1, 8),
    help="Processes that search.  [default: one a processor]",
)
@landmark_model_option
@detach_option
@pass_session
def extract(
    session: Session,
    person: str,
    part: tuple[float | None, float | None] | None,
    detector: str | None,
    rotate: str | None,
    like: tuple[Path, ...],
    not_like: tuple[Path, ...],
    landmark_model: Path | None,
    detach: bool,
    **settings: Any,
) -> None:
    """Find and judge every face in PERSON's sources.

    Looks only at what is new; goes on where it was interrupted. Other frames, another detector or
    another turn mean looking at everything anew; other bounds and pictures only judge anew. What
    was kept or rejected by hand stays so.

    \b
      swapdeck extract ada
      swapdeck extract ada --like ada.jpg --not-like her-sister.jpg
      swapdeck extract ada --every 5 --range 1:20..2:05 --rotate 90
    """
    from projects import extract_request
    from projects.errors import CommandError
    from projects.people import get_person
    from projects.sources import list_sources

    workspace = session.open()
    one = get_person(workspace, person)
    if not list_sources(one):
        raise CommandError(f"{one.name} has no sources yet: swapdeck gather {one.slug} FILE…")
    begin, end = part or (None, None)
    arguments = {
        "person": one.slug,
        **settings,
        "begin": begin,
        "end": end,
        "detector": extract_request.detector(detector),
        "rotate": None if rotate is None else int(rotate),
        "like": [absolute(path) for path in like],
        "not_like": [absolute(path) for path in not_like],
        "landmark_model": absolute(landmark_model),
    }
    outcome = run_job(session, workspace, "extract", one.slug, arguments, detach=detach)
    for result in outcome.results:
        searched = count(result["frames"], "frame")
        kept = count(result["kept"], "face")
        reasons = ", ".join(f"{number} {why}" for why, number in result["reasons"].items())
        session.output.remark(
            f"{one.slug}: {searched if result['frames'] else 'nothing new'} searched; "
            f"{kept} kept, {result['rejected']} rejected" + (f" ({reasons})" if reasons else "")
        )
