"""What can be done about the machine."""

from __future__ import annotations

from tui.actions.action import SYSTEM, Action

ACTIONS: tuple[Action, ...] = (
    Action("doctor", "D", "examine", "Doctor", "Look at devices, codecs, models: what is to mend",
           SYSTEM, footer=True),
)  # fmt: skip
