"""What can be asked of a job."""

from __future__ import annotations

from tui.actions.action import JOB_LIST, JOBS, Action

ACTIONS: tuple[Action, ...] = (
    Action(
        "pause", "p", "request('pause')", "Pause", "Pause this job at its next step", JOBS,
        footer=True, writes=True,
    ),
    Action(
        "resume", "p", "request('resume')", "Resume", "Let this paused job go on", JOBS,
        footer=True, writes=True,
    ),
    Action(
        "save", "s", "request('save')", "Save", "Save a checkpoint at the next step", JOBS,
        footer=True, writes=True,
    ),
    Action(
        "preview", "v", "request('preview')", "Preview", "Draw a new preview at the next step",
        JOBS, footer=True, writes=True,
    ),
    Action(
        "stop", "x", "stop_job", "Stop", "Stop this job, once you confirm; it saves first",
        JOBS, footer=True, writes=True,
    ),
    Action(
        "retry", "R", "retry_job", "Retry", "Go on with what failed, was stopped or crashed",
        JOB_LIST, footer=True, writes=True,
    ),
    Action(
        "kill", "X", "kill_job", "Kill", "End a job that does not answer, once you confirm",
        JOB_LIST, writes=True,
    ),
    Action(
        "adopt", "w", "adopt_job", "Watch over", "Watch over a job again whose supervisor is gone",
        JOB_LIST, footer=True, writes=True,
    ),
    Action(
        "go-to-subject", "i", "go_to_subject", "Its subject", "Go to its person or its swap",
        JOB_LIST,
    ),
    Action(
        "trash-job", "d", "trash_job", "Trash", "Move this job's record to the trash", JOB_LIST,
        footer=True, writes=True,
    ),
    Action(
        "clean-jobs", "C", "clean_jobs", "Clean", "Move every job that has ended to the trash",
        JOB_LIST, writes=True,
    ),
)  # fmt: skip
