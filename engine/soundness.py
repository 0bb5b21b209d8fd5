"""Whether a workspace is sound: every document, index, source, checkpoint, job and the ledger.

Nothing is changed. What is found says what mends it. What a killed process leaves behind without
harm (a temporary entry, a job without an end) is doubtful; what cannot be used is broken.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from engine.doctor import Check, State
from engine.text import duration
from projects import checkpoints, jobs, ledger
from projects.errors import NewerVersionError, SwapdeckError
from projects.faces import FaceIndex
from projects.files import is_temporary
from projects.listing import folders
from projects.people import Person, list_people, load_person
from projects.sources import list_sources
from projects.swaps import Swap, load_swap
from projects.workspace import Workspace, open_workspace

_SHOWN = 5  # findings of one kind that are told one by one


def examine_workspace(root: Path) -> Iterator[Check]:
    """Look at everything in the workspace at `root`, a finding a kind of thing."""
    try:
        workspace = open_workspace(root)
    except NewerVersionError as error:
        yield Check("workspace", "broken", str(error), "Update swapdeck.")
        return
    except SwapdeckError as error:
        yield Check("workspace", "broken", str(error), "Mend what the sentence names.")
        return
    yield Check("workspace", "good", str(root))
    yield _people(workspace)
    yield _sources(workspace)
    yield _faces(workspace)
    yield _swaps(workspace)
    yield _checkpoints(workspace)
    yield _jobs(workspace)
    yield _ledger(workspace)
    yield _leftovers(workspace)


def _people(workspace: Workspace) -> Check:
    found, problems = _loaded(workspace.people)
    return _verdict("people", f"{len(found)} people", problems, "Correct the file it names.")


def _sources(workspace: Workspace) -> Check:
    number, problems = 0, []
    for person in list_people(workspace, problems=[]):
        try:
            for source in list_sources(person):
                number += 1
                size = source.path.stat().st_size
                if size != source.size:
                    problems.append(
                        f"{source.path} has {size} bytes instead of {source.size}: it was changed."
                    )
        except SwapdeckError as error:
            problems.append(str(error))
    mend = "Gather the source again; its record may be deleted."
    return _verdict("sources", f"{number} sources", problems, mend)


def _faces(workspace: Workspace) -> Check:
    number, problems = 0, []
    for person in list_people(workspace, problems=[]):
        try:
            with FaceIndex(person.index_path, readonly=True) as index:
                problems += [f"{person.index_path}: {text}" for text in index.damage()]
                crops = index.crops()
        except SwapdeckError as error:
            problems.append(str(error))
            continue
        number += len(crops)
        there = {path.name for path in person.faces_dir.glob("*")}
        if missing := sorted(set(crops) - there):
            problems.append(
                f"{len(missing)} crops of {person.slug} are missing, first {missing[0]}."
            )
    mend = "Find the faces again: swapdeck extract PERSON --again"
    return _verdict("faces", f"{number} faces", problems, mend)


def _swaps(workspace: Workspace) -> Check:
    found, problems = _loaded(workspace.swaps)
    known = {folder.name for folder in folders(workspace.people)}
    for swap in found:
        assert isinstance(swap, Swap)
        problems += [
            f"The swap {swap.slug} is of {slug}, who is not here."
            for slug in swap.people
            if slug not in known
        ]
    mend = "Correct the file it names, or bring the person back from the trash."
    return _verdict("swaps", f"{len(found)} swaps", problems, mend)


def _checkpoints(workspace: Workspace) -> Check:
    number, problems, newest_is_bad = 0, [], False
    for swap in _loaded(workspace.swaps)[0]:
        assert isinstance(swap, Swap)
        for step in checkpoints.steps(swap.checkpoints_dir):
            try:
                checkpoints.verify(swap.checkpoints_dir / f"{step:08d}")
                number, newest_is_bad = number + 1, False
            except SwapdeckError as error:
                problems.append(str(error))
                newest_is_bad = True
    mend = "The next training sets it aside and goes on from the one before."
    state: State = "broken" if newest_is_bad else "doubtful"
    return _verdict("checkpoints", f"{number} checkpoints, all verified", problems, mend, state)


def _jobs(workspace: Workspace) -> Check:
    problems: list[SwapdeckError] = []
    found = jobs.list_jobs(workspace, problems)
    retried = {job.retry_of for job in found}
    odd = [text for job in found if job.id not in retried and (text := _odd(job))]
    if problems:
        texts = [str(error) for error in problems]
        return _verdict("jobs", "", texts, "Delete the folder of that job.")
    mend = (
        "Nothing is lost. Go on with what crashed: swapdeck jobs retry JOB, or take it off the "
        "list: swapdeck jobs clean --failed --all. Take over an orphan: swapdeck jobs adopt JOB."
    )
    return _verdict("jobs", f"{len(found)} jobs", odd, mend, "doubtful")


def _odd(job: jobs.Job) -> str:
    """What is wrong with a job, if anything."""
    now = jobs.state(job)
    if now.name in ("crashed", "orphaned"):
        return f"{job.id} {now.name}."
    silent = jobs.stalled(job, now)
    if silent is not None:
        return f"{job.id} runs, but nothing was heard of it for {duration(silent)}."
    if now.name == "waiting" and not jobs.is_held(job):
        return f"{job.id} was never started; end it with: swapdeck jobs stop {job.id}."
    return ""


def _ledger(workspace: Workspace) -> Check:
    try:
        verified = ledger.verify(workspace)
    except SwapdeckError as error:
        return Check("ledger", "broken", str(error), "Mend what the sentence names.")
    mend = "Find out who changed it: swapdeck ledger verify"
    return _verdict("ledger", f"{verified.entries} entries", list(verified.problems), mend)


def _leftovers(workspace: Workspace) -> Check:
    found = []
    for folder, names, files in os.walk(workspace.root):
        place = Path(folder)
        for name in (*names, *files):
            aside = name.endswith(".old") and not (place / name.removesuffix(".old")).exists()
            if is_temporary(name) or aside:
                found.append(str((place / name).relative_to(workspace.root)))
        names[:] = [name for name in names if not is_temporary(name)]
    mend = "A killed process left it. The next job there removes it, or delete it yourself."
    return _verdict("leftovers", "none", found, mend, "doubtful")


def _loaded(parent: Path) -> tuple[list[Person | Swap], list[str]]:
    load = load_person if parent.name == "people" else load_swap
    found: list[Person | Swap] = []
    problems = []
    for folder in folders(parent):
        try:
            found.append(load(folder))
        except SwapdeckError as error:
            problems.append(str(error))
    return found, problems


def _verdict(
    name: str, good: str, problems: list[str], mend: str, state: State = "broken"
) -> Check:
    if not problems:
        return Check(name, "good", good)
    more = f" And {len(problems) - _SHOWN} more." if len(problems) > _SHOWN else ""
    return Check(name, state, " ".join(problems[:_SHOWN]) + more, mend)
