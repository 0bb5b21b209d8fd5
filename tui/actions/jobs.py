"""What can be asked of a job."""

from __future__ import annotations

from tui.actions.action import JOBS, Action

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
)  # fmt: skip
