"""What can be done with the files of the workspace."""

from __future__ import annotations

from tui.actions.action import FILES, Action

ACTIONS: tuple[Action, ...] = (
    Action("folder-out", "left,backspace", "out", "Out", "To the folder around this one", FILES,
           footer=True, palette=False),
    Action("folder-in", "right", "open", "Into", "Into the folder, or to the file's text", FILES,
           palette=False),
    Action("copy-path", "y", "copy_path", "Copy path", "Copy the path to your own clipboard", FILES,
           footer=True),
    Action("trash-file", "d", "trash_file", "Trash", "Move a result or a preview to the trash",
           FILES, footer=True, writes=True),
)  # fmt: skip
