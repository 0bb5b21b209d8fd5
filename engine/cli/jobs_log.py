"""`swapdeck jobs log`: what a job's processes printed."""

from __future__ import annotations

import codecs
import time
from pathlib import Path

import click

from engine.cli.follow import POLL, Interrupts
from engine.cli.session import Session, Verb, pass_session
from engine.text import clean


@click.command(cls=Verb)
@click.argument("job")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended, or Ctrl-C.")
@click.option("-n", "--lines", type=click.IntRange(min=1), help="Only the last so many.")
@pass_session
def log(session: Session, job: str, follow: bool, lines: int | None) -> None:
    """Print what a job's processes wrote. Ctrl-C leaves the job alone."""
    from projects.jobs import get_job, state

    one = get_job(session.open(), job)
    offset, first = 0, lines
    rest = ""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with Interrupts() as interrupts:
        while True:
            ended = state(one).ended  # before the last look at the file
            data, offset = _read(one.output_path, offset)
            *whole, rest = (rest + decoder.decode(data)).split("\n")
            if (ended or not follow) and rest:
                whole.append(rest)
            for line in whole[-first:] if first else whole:
                _show(session, line)
            first = None
            if ended or not follow or interrupts.count or interrupts.leave:
                return
            time.sleep(POLL)


def _show(session: Session, line: str) -> None:
    text = line.rstrip("\r")
    if session.json:
        session.output.line({"line": text})
    else:
        click.echo(clean(text))


def _read(path: Path, offset: int) -> tuple[bytes, int]:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return b"", offset
    return data, offset + len(data)
