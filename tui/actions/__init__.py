"""Every action of the dashboard, once: keys, footer, help, palette and keymap are made from this.

Each mode's own are in a module of the mode's name here.
"""

from __future__ import annotations

from textual.actions import parse
from textual.binding import Binding, BindingType

from tui.actions import common, convert, files, jobs, people, swaps, system
from tui.actions.action import CAST as CAST
from tui.actions.action import CHECKPOINTS as CHECKPOINTS
from tui.actions.action import CONVERT as CONVERT
from tui.actions.action import EVERYWHERE as EVERYWHERE
from tui.actions.action import FACES as FACES
from tui.actions.action import FILES as FILES
from tui.actions.action import FORMS as FORMS
from tui.actions.action import JOB_LIST as JOB_LIST
from tui.actions.action import JOBS as JOBS
from tui.actions.action import LETTERS as LETTERS
from tui.actions.action import LISTS as LISTS
from tui.actions.action import PEOPLE as PEOPLE
from tui.actions.action import PICKER as PICKER
from tui.actions.action import RESULT as RESULT
from tui.actions.action import SOURCES as SOURCES
from tui.actions.action import SWAP_LIST as SWAP_LIST
from tui.actions.action import SWAPS as SWAPS
from tui.actions.action import SYSTEM as SYSTEM
from tui.actions.action import TRAINING as TRAINING
from tui.actions.action import Action as Action
from tui.actions.common import MODES as MODES

ACTIONS: tuple[Action, ...] = (
    *common.ACTIONS,
    *people.ACTIONS,
    *swaps.ACTIONS,
    *convert.ACTIONS,
    *jobs.ACTIONS,
    *files.ACTIONS,
    *system.ACTIONS,
)
GROUPS = (
    EVERYWHERE,
    LISTS,
    PEOPLE,
    FACES,
    SOURCES,
    SWAPS,
    SWAP_LIST,
    TRAINING,
    CHECKPOINTS,
    CONVERT,
    CAST,
    RESULT,
    JOBS,
    JOB_LIST,
    FILES,
    SYSTEM,
    FORMS,
    PICKER,
)
_WRITING = frozenset(parse(action.action)[1] for action in ACTIONS if action.writes)

_KEY_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "backspace": "Bksp",
    "tab": "Tab",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "home": "Home",
    "end": "End",
}


def key_name(key: str) -> str:
    """A key as it is written on a keyboard."""
    if key in _KEY_NAMES:
        return _KEY_NAMES[key]
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+").upper()
    return key.upper() if len(key) > 1 else key


def bindings(*ids: str) -> list[BindingType]:
    """Key bindings for the actions named, in the order of the registry."""
    return [
        Binding(
            action.keys,
            action.action,
            action.label,
            show=action.footer,
            tooltip=action.tooltip,
            priority=action.first,
            id=action.id,
        )
        for action in ACTIONS
        if action.id in ids
    ]


def ids(group: str) -> tuple[str, ...]:
    """The ids of one group's actions."""
    return tuple(action.id for action in ACTIONS if action.group == group)


def writes(action: str) -> bool:
    """Whether an action, by its name as `check_action` gets it, changes anything."""
    return action in _WRITING
