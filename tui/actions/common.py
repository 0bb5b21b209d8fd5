"""What can be done everywhere, in every list and in every form."""

from __future__ import annotations

from tui.actions.action import EVERYWHERE, FORMS, LISTS, PICKER, Action

MODES = {
    "people": "People",
    "swaps": "Swaps",
    "jobs": "Jobs",
    "files": "Files",
    "system": "System",
}

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
        "filter", "slash", "filter", "Filter", "Show only lines with some words",
        LISTS, footer=True, first=True,
    ),
    Action(
        "save-form", "ctrl+s,enter", "save_form", "Save", "Save what the form holds, if it can be",
        FORMS, palette=False,
    ),
    Action(
        "leave-form", "escape", "leave_form", "Leave", "Leave; asks first if something was changed",
        FORMS, palette=False,
    ),
    Action("next-field", "down", "next_field(1)", "Next field", "The field below, as Tab does",
           FORMS, palette=False),
    Action("field-before", "up", "next_field(-1)", "Field before",
           "The field above, as Shift+Tab does", FORMS, palette=False),
    Action("choose", "ctrl+s", "choose", "Choose", "Take what is marked, or the line", PICKER,
           palette=False),
    Action("mark", "space", "mark", "Mark", "Mark the line, or take the mark away", PICKER,
           palette=False),
    Action("out", "backspace,left", "out", "Out", "To the folder around this one", PICKER,
           palette=False),
    Action("type-path", "slash", "type_path", "Type a path", "Type a path, or words of a name",
           PICKER, palette=False, first=True),
    Action("leave-picker", "escape", "leave_picker", "Leave", "Leave without choosing", PICKER,
           palette=False),
    *(
        Action(
            name, str(number), f"app.mode('{name}')", f"Go to {title}", f"Show {title.lower()}",
            EVERYWHERE,
        )
        for number, (name, title) in enumerate(MODES.items(), start=1)
    ),
    Action(
        "demo", "T", "app.demo", "Try the demo",
        "Do the whole job once on two rendered people, as a job that you can watch", EVERYWHERE,
        footer=True, writes=True,
    ),
    Action(
        "undo", "z", "app.undo", "Undo", "Take the last change back, or out of the trash",
        EVERYWHERE, footer=True, writes=True,
    ),
    Action(
        "palette", "ctrl+p,colon", "app.command_palette", "Commands",
        "Find a command, person, swap or job", EVERYWHERE, palette=False,
    ),
    Action(
        "pictures", "P", "app.pictures", "Pictures", "Show pictures, or spare the line",
        EVERYWHERE,
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
