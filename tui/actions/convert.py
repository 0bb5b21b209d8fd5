"""What can be done with footage, with who is in it, and with a result."""

from __future__ import annotations

from tui.actions.action import CAST, CONVERT, RESULT, Action

ACTIONS: tuple[Action, ...] = (
    Action("frame-back", "left", "frame(-1)", "Back", "A step back in the footage", CONVERT,
           palette=False),
    Action("frame-on", "right", "frame(1)", "On", "A step on in the footage", CONVERT,
           palette=False),
    Action("one-back", "comma", "one_frame(-1)", "Frame before", "One frame back", CONVERT,
           palette=False),
    Action("one-on", "full_stop", "one_frame(1)", "Frame after", "One frame on", CONVERT,
           palette=False),
    Action("closer", "plus,minus", "closer", "Closer", "The replaced faces close, or all of it",
           CONVERT, palette=False),
    Action("mark-footage", "space", "mark", "Mark", "Convert this together with others", CONVERT,
           palette=False),
    Action("result", "enter", "result", "Result", "What became of it, and how good it is",
           CONVERT, footer=True, palette=False),
    Action(
        "draw-frame", "v", "draw_frame", "Preview", "Show this frame before and after", CONVERT,
        footer=True, writes=True,
    ),
    Action(
        "convert-settings", "e", "convert_settings", "Settings",
        "Mask, colour, blending, place; then show the frame anew", CONVERT, footer=True,
        writes=True,
    ),
    Action(
        "start-convert", "c", "start_convert", "Convert", "Ask where to, and convert the footage",
        CONVERT, footer=True, writes=True,
    ),
    Action(
        "add-footage", "a", "add_footage", "Add footage", "Choose files or folders", CONVERT,
        footer=True, writes=True,
    ),
    Action("who", "L", "who", "Look who", "Who is in the footage, and who becomes whom", CONVERT,
           footer=True, writes=True),
    Action(
        "cast-track", "enter", "cast_track", "Cast", "Choose what becomes of this one", CAST,
        footer=True, palette=False, writes=True,
    ),
    Action(
        "cast-person", "a", "cast_person", "Add", "Cast a person or a picture's face", CAST,
        footer=True, writes=True,
    ),
    Action(
        "uncast", "backspace,delete", "uncast", "Uncast", "Take back the last casting", CAST,
        footer=True, writes=True,
    ),
    Action(
        "measure", "n", "measure", "Next report",
        "Measure this swap's results and write the report", RESULT, footer=True, writes=True,
    ),
    Action("copy-result", "y", "copy_path", "Copy path", "Put the result's path on the clipboard",
           RESULT, footer=True),
    Action("result-frame", "enter", "enlarge", "Enlarge", "The picture alone, or the figures too",
           RESULT, footer=True, palette=False),
)  # fmt: skip
