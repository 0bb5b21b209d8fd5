"""Every action of the dashboard, once: keys, footer, help and palette are made from this."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType

MODES = {
    "people": "People",
    "swaps": "Swaps",
    "jobs": "Jobs",
    "system": "System",
}


@dataclass(frozen=True)
class Action:
    """One thing that a person can do. `keys` are Textual key names, the first is the one shown."""

    id: str
    keys: str
    action: str
    label: str
    tooltip: str
    group: str
    footer: bool = False
    palette: bool = True


EVERYWHERE = "Everywhere"
LISTS = "In a list"
JOBS = "On a running job"

ACTIONS: tuple[Action, ...] = (
    Action(
        "open", "enter", "open", "Open", "Show the selected line in full", LISTS,
        footer=True, palette=False,
    ),
    Action(
        "back", "escape", "back", "Back", "One step out: close, clear the filter", LISTS,
        footer=True, palette=False,
    ),
    Action("down", "j,down", "cursor(1)", "Down", "Next line", LISTS, palette=False),
    Action("up", "k,up", "cursor(-1)", "Up", "Line before", LISTS, palette=False),
    Action("page-down", "pagedown,ctrl+d", "page(1)", "Page down", "Next page", LISTS,
           palette=False),
    Action("page-up", "pageup,ctrl+u", "page(-1)", "Page up", "Page before", LISTS, palette=False),
    Action("top", "g,home", "edge(-1)", "Top", "First line", LISTS, palette=False),
    Action("bottom", "G,end", "edge(1)", "Bottom", "Last line", LISTS, palette=False),
    Action(
        "pause", "p", "request('pause')", "Pause", "Pause this job at its next step", JOBS,
        footer=True,
    ),
    Action(
        "resume", "p", "request('resume')", "Resume", "Let this paused job go on", JOBS,
        footer=True,
    ),
    Action(
        "save", "s", "request('save')", "Save", "Save a checkpoint at the next step", JOBS,
        footer=True,
    ),
    Action(
        "preview", "v", "request('preview')", "Preview", "Draw a new preview at the next step",
        JOBS, footer=True,
    ),
    Action(
        "stop", "x", "stop_job", "Stop", "Stop this job, once you confirm; it saves first",
        JOBS, footer=True,
    ),
    Action(
        "filter", "slash", "filter", "Filter", "Show only lines with some words",
        LISTS, footer=True,
    ),
    *(
        Action(
            name, str(number), f"app.mode('{name}')", f"Go to {title}", f"Show {title.lower()}",
            EVERYWHERE,
        )
        for number, (name, title) in enumerate(MODES.items(), start=1)
    ),
    Action(
        "palette", "ctrl+p,colon", "app.command_palette", "Commands",
        "Find a command, person, swap or job", EVERYWHERE, palette=False,
    ),
    Action(
        "refresh", "f5", "app.refresh_now", "Refresh", "Read the files again now", EVERYWHERE
    ),
    Action(
        "help", "question_mark,f1", "app.help", "Help", "What every key does", EVERYWHERE,
        footer=True,
    ),
    Action(
        "quit", "q", "app.quit", "Quit", "Close the dashboard; every job goes on",
        EVERYWHERE, footer=True,
    ),
)  # fmt: skip

_KEY_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "enter": "Enter",
    "escape": "Esc",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "up": "↑",
    "down": "↓",
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
            key_display=key_name(action.keys.split(",")[0]),
            tooltip=action.tooltip,
            id=action.id,
        )
        for action in ACTIONS
        if action.id in ids
    ]


def ids(group: str) -> tuple[str, ...]:
    """The ids of one group's actions."""
    return tuple(action.id for action in ACTIONS if action.group == group)
