"""Making, finding and starting jobs; and what `jobs.X` means elsewhere in the program.

What is in a job's folder is in `jobfiles` and `joblock`, what it is doing in `jobstate`, the
ending of its processes in `jobkill`, jobs that follow each other and are tried again in
`jobchain`, and the removal of old ones in `jobcleaning`. Nothing here needs a daemon, and any
number of programs may look at once.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from projects.errors import CommandError, SwapdeckError
from projects.files import folder_replacing, inside, read_errors, slug, sweep, write_errors
from projects.jobfiles import VERSION
from projects.jobfiles import Asked as Asked
from projects.jobfiles import ControlFile as ControlFile
from projects.jobfiles import EventLog as EventLog
from projects.jobfiles import Job as Job
from projects.jobfiles import Requests as Requests
from projects.jobfiles import ended_because as ended_because
from projects.jobfiles import has_ended as has_ended
from projects.jobfiles import load_job as load_job
from projects.jobfiles import read_events as read_events
from projects.jobfiles import read_exit as read_exit
from projects.jobfiles import read_spec as read_spec
from projects.jobfiles import requested as requested
from projects.jobfiles import write_exit as write_exit
from projects.jobkill import kill as kill
from projects.joblock import holding_lock as holding_lock
from projects.joblock import is_held as is_held
from projects.joblock import lock_record as lock_record
from projects.joblock import record_processes as record_processes
from projects.joblock import waits_for as waits_for
from projects.jobstate import JobState as JobState
from projects.jobstate import StateName as StateName
from projects.jobstate import request as request
from projects.jobstate import stalled as stalled
from projects.jobstate import state as state
from projects.listing import load_all
from projects.names import printable
from projects.texts import write_json
from projects.workspace import Workspace, now

_TAIL = 16_384  # bytes
ALREADY_RUNS = 75  # the supervisor's exit status when another one holds the lock


def create_job(
    ws: Workspace,
    verb: str,
    subject: str,
    arguments: Mapping[str, Any],
    *,
    title: str = "",
    after: str = "",
    retry_of: str = "",
) -> Job:
    """A new job's folder, complete or absent. `arguments` go to engine.verbs; paths among them
    should be absolute, because the job does not run in the caller's folder.

    Once started, a job waits until the job with the id `after` is done, and ends without having
    begun when that one ends in another way. `retry_of` is the id of the job that it goes on with.

    Raises:
        CommandError: there is no job `after`, or it has ended without being done.
        SwapdeckError: it cannot be written.
    """
    created = now()
    sweep(ws.jobs)
    if after:
        _check_can_follow(ws, after)
    links = {"after": after, "retry_of": retry_of}
    base = f"{datetime.now():%Y%m%d-%H%M%S}-{slug(verb)}-{slug(subject)}"
    for number in range(1, 1000):
        root = inside(ws.jobs, base if number == 1 else f"{base}-{number}")
        if root.exists():
            continue
        try:
            with folder_replacing(root, replace=False) as temporary:
                write_json(
                    temporary / "spec.json",
                    {
                        "version": VERSION,
                        "verb": verb,
                        "subject": subject,
                        "title": title or f"{verb} {subject}",
                        "created": created,
                        "arguments": arguments,
                        **{name: id for name, id in links.items() if id},
                    },
                )
        except CommandError:  # another process took the same name in the same second
            continue
        return Job(root, root.name, verb, subject, created, **links)
    raise SwapdeckError(f"{ws.jobs} holds too many jobs of this second. Try again in a moment.")


def _check_can_follow(ws: Workspace, after: str) -> None:
    before = get_job(ws, after)
    if before.id != after:
        raise CommandError(f"There is no job '{printable(after)}'. See: swapdeck jobs list")
    if (now := state(before)).ended and now.name != "done":
        raise CommandError(
            f"The job {after} has {now.name}, so nothing can begin after it. Try it again with: "
            f"swapdeck jobs retry {after}"
        )


def list_jobs(ws: Workspace, problems: list[SwapdeckError] | None = None) -> list[Job]:
    """Every job, the newest first; `problems` as for `list_people`."""
    names = sorted(_names(ws), reverse=True)
    seconds = Counter(name[:15] for name in names)
    if any(number > 1 for number in seconds.values()):  # …-9 comes before …-10
        names.sort(key=lambda name: _age(ws.jobs / name, seconds[name[:15]]), reverse=True)
    return load_all((ws.jobs / name for name in names), load_job, problems)


def get_job(ws: Workspace, id: str) -> Job:
    """The job with this id, or the only one whose id contains it; of several, the only one that
    has not ended.

    Raises:
        CommandError: there is none, or more than one.
    """
    names = _names(ws)
    matches = [id] if id in names else sorted(n for n in names if id and id in n)
    found = load_all((inside(ws.jobs, name) for name in matches), load_job, None)
    if len(found) > 1:
        found = [job for job in found if not state(job).ended]
    if len(found) == 1:
        return found[0]
    shown = printable(id)
    if matches:
        raise CommandError(
            f"'{shown}' fits {len(matches)} jobs: {', '.join(matches[-5:])}. Give more of the id."
        )
    raise CommandError(f"There is no job '{shown}'. See them with: swapdeck jobs list")


def launch(job: Job, *, command: Sequence[str] | None = None) -> None:
    """Start the job detached from this process and its terminal; of an orphan, only a process
    that watches over it again.

    Returns once the job's supervisor holds the lock. `command` is what starts the supervisor in
    place of the default; the job's folder is added to it.

    Raises:
        CommandError: the job is watched over already, or has ended.
        SwapdeckError: it did not start; the sentence says why, and the job has failed.
    """
    import subprocess

    if state(job).ended:
        raise CommandError(f"The job {job.id} has ended. Start a new one.")
    package_root = Path(__file__).resolve().parent.parent
    environment = dict(os.environ)
    if package_root.name not in ("site-packages", "dist-packages"):
        paths = [str(package_root), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    # -P: the job's folder is the working directory, and nothing in it may be imported.
    default = [sys.executable, "-P", "-m", "engine.supervisor", "--detach"]
    with write_errors(job.output_path), job.output_path.open("ab") as log:
        status = subprocess.run(
            [*(command or default), str(job.root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=job.root,
            env=environment,
            start_new_session=True,
            check=False,
        ).returncode
    if status == ALREADY_RUNS:
        end = "has ended. Start a new one" if has_ended(job) else "runs already"
        raise CommandError(f"The job {job.id} {end}.")
    if status != 0:
        reason = (
            f"The job {job.id} did not start: {_last_line(job)}. The whole account is in "
            f"{job.output_path}."
        )
        write_exit(job, 1, reason)
        raise SwapdeckError(reason)


def log_tail(job: Job, most: int) -> list[str]:
    """The last lines, empty ones left out, of what the job's processes printed; a line that was
    drawn over itself as it was last. Lines may hold escape sequences."""
    try:
        with job.output_path.open("rb") as file:
            file.seek(max(0, job.output_path.stat().st_size - _TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    lines = (line.rstrip().rpartition("\r")[2] for line in text.split("\n"))
    return [line for line in lines if line.strip()][-most:]


def _last_line(job: Job) -> str:
    return printable(next(iter(log_tail(job, 1)), "it said nothing"))


def _names(ws: Workspace) -> list[str]:
    """The names of the jobs' folders; of a thousand of them it takes a few milliseconds."""
    with read_errors(ws.jobs), os.scandir(ws.jobs) as entries:
        return [e.name for e in entries if not e.name.startswith(".") and e.is_dir()]


def _age(root: Path, of_that_second: int) -> tuple[str, int, int, str]:
    written = 0
    if of_that_second > 1:
        with suppress(OSError):
            written = (root / "spec.json").stat().st_mtime_ns
    return root.name[:15], written, len(root.name), root.name
