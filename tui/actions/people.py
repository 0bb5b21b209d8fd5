"""What can be done with people and their faces."""

from __future__ import annotations

from tui.actions.action import FACES, PEOPLE, SOURCES, Action

ACTIONS: tuple[Action, ...] = (
    Action(
        "next-step", "n", "next_step", "Next step",
        "What this person needs next: consent, footage, a search for faces, or a look at them",
        PEOPLE, footer=True,
    ),
    Action(
        "add-person", "a", "add_person", "Add", "Add a person, with the consent they gave", PEOPLE,
        footer=True, writes=True,
    ),
    Action(
        "edit-person", "e", "edit_person", "Edit", "Change this person's name and consent", PEOPLE,
        writes=True,
    ),
    Action(
        "gather", "A", "gather", "Gather", "Bring in footage: files, folders, links, a search",
        PEOPLE, writes=True,
    ),
    Action(
        "extract", "ctrl+e", "extract", "Extract", "Find and judge the faces in the sources",
        PEOPLE, writes=True,
    ),
    Action(
        "faces", "F", "faces", "Faces", "Look at the faces; keep and reject", PEOPLE, footer=True,
    ),
    Action(
        "sources", "o", "sources", "Sources", "Where footage came from, its licence; take it away",
        PEOPLE,
    ),
    Action(
        "advice", "D", "advice", "Doctor", "What the dataset doctor says is missing", PEOPLE,
    ),
    Action(
        "merge-people", "m", "merge_people", "Merge",
        "Make one person of two folders of the same human being", PEOPLE, writes=True,
    ),
    Action(
        "withdraw", "W", "withdraw", "Withdraw", "Note that this person withdrew their consent",
        PEOPLE, writes=True,
    ),
    Action(
        "trash-person", "d", "trash_person", "Trash", "Move this person to the trash", PEOPLE,
        writes=True,
    ),
    Action(
        "trash-source", "d", "trash_source", "Trash",
        "Move this source to the trash and reject its faces", SOURCES, footer=True, writes=True,
    ),
    Action(
        "reject", "r", "decide(False)", "Reject",
        "Leave this face, or the marked ones, out of the dataset", FACES, footer=True, writes=True,
    ),
    Action(
        "keep", "K", "decide(True)", "Keep", "Keep this face, or the marked ones", FACES,
        footer=True, writes=True,
    ),
    Action(
        "mark-face", "space", "mark", "Mark", "Mark this face for what follows", FACES, footer=True,
        palette=False,
    ),
    Action(
        "rule", "f", "rule", "Rule", "Show, keep or reject by a rule, as yaw>20 and sharpness<2",
        FACES, footer=True,
    ),
    Action(
        "sort", "S", "sort", "Sort", "Sort and group the faces; only kept or rejected ones", FACES,
        footer=True,
    ),
    Action(
        "undo-faces", "z", "undo_faces", "Undo", "Take the last decision about these faces back",
        FACES, footer=True, writes=True,
    ),
    Action("mark-faces", "m", "mark_all", "Mark all", "Mark all of these, or none", FACES,
           palette=False),
    Action("left", "h,left", "aside(-1)", "Left", "The face before", FACES, palette=False),
    Action("right", "l,right", "aside(1)", "Right", "The next face", FACES, palette=False),
    Action("larger", "plus,equals_sign", "resize(1)", "Larger", "Larger pictures", FACES,
           palette=False),
    Action("smaller", "minus", "resize(-1)", "Smaller", "Smaller pictures", FACES, palette=False),
    Action(
        "landmarks", "i", "landmarks", "Info", "Draw the landmarks on this face, or no longer",
        FACES, footer=True,
    ),
)  # fmt: skip
