"""Jobs that follow each other, with real processes, and going on with what failed."""

import os
import signal
from textwrap import dedent
from typing import Any

import pytest

from projects.errors import CommandError
from projects.jobchain import followers, retry
from projects.jobs import Job, create_job, has_ended, read_events, read_spec, request, state
from projects.workspace import Workspace
from tests.engine.running import DEAF, LOOP, UNTIL_SAVE, Running, kinds


def ended(job: Job) -> Any:
    """Its state, once it has one that stays."""
    while not has_ended(job):
        os.sched_yield()
    return state(job)


def test_the_next_job_begins_when_the_one_before_it_is_done(start: Any) -> None:
    first = start(LOOP + "\n        if asked.save:\n            return")
    second = start('reporter.event("result", done=True)', "convert", after=first.job.id)
    now = state(second.job)
    assert now.name == "waiting"
    assert now.detail == f"It begins when train ada-as-ben is done ({first.job.id})."
    first.hear("began")
    assert kinds(second.job) == ["waiting"]
    request(first.job, "save")
    second.hear("began")
    assert state(first.job).name == "done"
    assert ended(second.job).name == "done"
    assert kinds(second.job) == ["waiting", "started", "result", "ended"]
    assert [event["seq"] for event in read_events(second.job)[0]] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("how", "name", "words"),
    [
        ("stop", "stopped", "was stopped"),
        ("fail", "failed", "failed"),
        ("kill", "failed", "crashed"),
    ],
)
def test_when_a_job_ends_otherwise_those_after_it_end_with_a_sentence(
    start: Any, how: str, name: str, words: str
) -> None:
    work = 'raise SwapdeckError("No face was found.")' if how == "fail" else LOOP
    first = start(dedent(UNTIL_SAVE) + work if how == "fail" else work)
    second = start('say("never")', "convert", after=first.job.id)
    third = start('say("never")', "report", after=second.job.id)
    first.hear("began")
    assert state(third.job).name == "waiting"
    match how:
        case "stop":
            request(first.job, "stop")
        case "fail":
            request(first.job, "save")
        case "kill":
            for pid in first.pids():
                os.kill(pid, signal.SIGKILL)
    for job, before in ((second.job, "train"), (third.job, "convert")):
        found = ended(job)
        assert found.name == name
        assert f"because {before} ada-as-ben, which it waited for, " in found.detail
        assert "swapdeck jobs retry" in found.detail
        assert "never" not in second.output()
    assert words in state(second.job).detail


def test_a_waiting_job_can_be_stopped_and_then_the_others_go_on_without_it(start: Any) -> None:
    first = start(LOOP)
    second = start('say("never")', "convert", after=first.job.id)
    request(second.job, "stop")
    assert ended(second.job).detail == "Stopped as asked, before it began."
    assert ended(second.job).exit_code == 130
    assert state(first.job).name == "running"


def test_a_waiting_job_that_is_killed_says_so(start: Any) -> None:
    from projects.jobs import kill

    first = start(LOOP)
    second = start('say("never")', "convert", after=first.job.id)
    kill(second.job, grace=30)
    assert "killed on request" in state(second.job).detail


def test_a_waiting_job_whose_supervisor_was_killed_has_crashed(start: Any) -> None:
    first = start(LOOP)
    second = start('say("never")', "convert", after=first.job.id)
    assert second.supervisor is not None and second.worker is None
    os.kill(second.supervisor.pid, signal.SIGKILL)
    second.wait_for_supervisor()
    assert state(second.job).name == "crashed"
    assert "nothing had begun" in state(second.job).detail


def test_nothing_can_follow_what_has_failed_or_is_not_there(workspace: Workspace) -> None:
    first = create_job(workspace, "train", "ada-as-ben", {})
    with pytest.raises(CommandError, match="no job 'train'"):
        create_job(workspace, "convert", "ada-as-ben", {}, after="train")
    request(first, "stop")
    with pytest.raises(CommandError, match="swapdeck jobs retry"):
        create_job(workspace, "convert", "ada-as-ben", {}, after=first.id)


def test_a_retry_goes_on_and_takes_the_chain_along(start: Any, workspace: Workspace) -> None:
    first = start(dedent(UNTIL_SAVE) + 'raise SwapdeckError("The disk is full.")')
    second = start('say("never")', "convert", after=first.job.id)
    third = start('say("never")', "report", after=second.job.id)
    first.hear("began")
    request(first.job, "save")
    ended(third.job)
    again: list[Running] = []

    def begin(job: Job) -> None:
        again.append(Running(job, 'reporter.event("result", done=True)'))

    made = retry(workspace, third.job, begin)  # the last of a chain: all of it goes on
    assert [job.verb for job in made] == ["train", "convert", "report"]
    assert [job.retry_of for job in made] == [first.job.id, second.job.id, third.job.id]
    assert [job.after for job in made] == ["", made[0].id, made[1].id]
    assert read_spec(made[0])["arguments"] == {"steps": 3}
    assert ended(made[2]).name == "done"
    assert followers(workspace, made[0]) == made[1:]
    with pytest.raises(CommandError, match="nothing to go on with"):
        retry(workspace, first.job, begin)
    for running in again:
        running.close()


def test_what_was_stopped_by_hand_is_not_taken_along(start: Any, workspace: Workspace) -> None:
    first = start(LOOP)
    second = start('say("never")', "convert", after=first.job.id)
    request(second.job, "stop")
    ended(second.job)
    request(first.job, "stop")
    ended(first.job)
    assert [job.verb for job in retry(workspace, first.job, lambda job: None)] == ["train"]


def test_only_what_ended_badly_can_be_retried(start: Any, workspace: Workspace) -> None:
    running = start(DEAF)
    with pytest.raises(CommandError, match="has not ended: it is running"):
        retry(workspace, running.job)


def test_an_orphan_can_be_taken_over_and_its_end_is_accounted_for(start: Any) -> None:
    running = start(LOOP)
    running.hear("began")
    os.kill(running.pids()[0], signal.SIGKILL)
    running.wait_for_supervisor()
    worker = running.worker
    assert state(running.job).name == "orphaned"
    running.launch()
    assert running.worker == worker
    assert state(running.job).name == "running"
    os.kill(running.pids()[1], signal.SIGKILL)
    found = ended(running.job)
    assert (found.name, found.exit_code) == ("failed", 1)
    assert "nobody watched over it" in found.detail
    assert kinds(running.job)[-1] == "ended"


def test_an_orphan_that_was_taken_over_listens_as_before(start: Any) -> None:
    running = start(LOOP)
    running.hear("began")
    os.kill(running.pids()[0], signal.SIGKILL)
    running.wait_for_supervisor()
    running.launch()
    os.kill(running.pids()[0], signal.SIGTERM)
    assert ended(running.job).name == "stopped"


def test_what_was_left_out_of_a_retry_can_follow_it_later(start: Any, workspace: Workspace) -> None:
    first = start(LOOP)
    second = start('say("never")', "convert", after=first.job.id)
    request(second.job, "stop")
    ended(second.job)
    request(first.job, "stop")
    ended(first.job)
    again: list[Running] = []
    (train,) = retry(workspace, first.job, lambda job: again.append(Running(job, LOOP)))
    (convert,) = retry(workspace, second.job, lambda job: again.append(Running(job, "pass")))
    assert convert.after == train.id and state(convert).name == "waiting"
    for running in again:
        running.close()
