"""What can be done with swaps, their trainings and their checkpoints."""

from __future__ import annotations

from tui.actions.action import CHECKPOINTS, SWAP_LIST, SWAPS, TRAINING, Action

ACTIONS: tuple[Action, ...] = (
    Action(
        "new-swap", "a", "new_swap", "New swap", "Put somebody's face onto somebody's footage",
        SWAPS, footer=True, writes=True,
    ),
    Action(
        "train", "t", "train", "Train", "Start the training, or go on with it",
        SWAPS, footer=True, writes=True,
    ),
    Action(
        "swap-settings", "e", "swap_settings", "Settings", "Name and settings of this swap",
        SWAPS, footer=True, writes=True,
    ),
    Action(
        "checkpoints", "b", "checkpoints", "Checkpoints",
        "Compare, choose, restore and export the states of this model", SWAPS, footer=True,
    ),
    Action(
        "convert", "c", "convert", "Convert", "Try it on footage, and convert that", SWAPS,
        footer=True,
    ),
    Action(
        "trash-swap", "d", "trash_swap", "Trash", "Move this swap to the trash",
        SWAPS, footer=True, writes=True,
    ),
    Action(
        "compare-swaps", "C", "compare", "Compare",
        "Show the marked swaps' trainings side by side", SWAP_LIST, footer=True,
    ),
    Action(
        "mark-swap", "space", "mark_swap", "Mark", "Mark this swap, to compare it with others",
        SWAP_LIST, palette=False,
    ),
    Action("scrub-back", "left", "scrub(-1)", "Earlier", "The preview before this one", TRAINING,
           palette=False),
    Action("scrub-on", "right", "scrub(1)", "Later", "The preview after this one", TRAINING,
           palette=False),
    Action("scrub-first", "home", "scrub_to(0)", "First", "The first preview", TRAINING,
           palette=False),
    Action("scrub-last", "end", "scrub_to(-1)", "Newest", "The newest preview, and follow it",
           TRAINING, palette=False),
    Action("enlarge-preview", "enter", "enlarge", "Enlarge",
           "Give the preview the whole screen, or not", TRAINING, footer=True, palette=False),
    Action(
        "mark-checkpoint", "space", "select", "Compare", "Put this one beside the next you select",
        CHECKPOINTS, footer=True, palette=False,
    ),
    Action(
        "use-checkpoint", "m", "use", "Mark to use",
        "Let conversions and exports use this one; again: go by the score", CHECKPOINTS,
        footer=True, writes=True,
    ),
    Action(
        "restore-checkpoint", "R", "restore", "Restore",
        "Take the training back to this one; newer ones go to the trash", CHECKPOINTS,
        footer=True, writes=True,
    ),
    Action(
        "export-swap", "E", "export", "Export", "Write the model in use to a folder for others",
        CHECKPOINTS, footer=True, writes=True,
    ),
    Action(
        "trash-checkpoint", "d", "trash_checkpoint", "Trash", "Move this checkpoint to the trash",
        CHECKPOINTS, footer=True, writes=True,
    ),
)  # fmt: skip
