"""What an action of the dashboard is, and what each letter means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """One thing that a person can do.

    `keys` are Textual key names, the first is the one shown. `writes` marks what changes anything
    in the workspace or asks a job to: it is hidden and refused in a read-only dashboard. `first`:
    it is done before the next key is looked at, so that what is typed right behind it goes where
    it leads; what has the focus is not asked before.
    """

    id: str
    keys: str
    action: str
    label: str
    tooltip: str
    group: str
    footer: bool = False
    palette: bool = True
    writes: bool = False
    first: bool = False


# A letter means one thing everywhere: the label of an action on it begins with one of these words.
LETTERS: dict[str, tuple[str, ...]] = {
    "a": ("Add", "New"),
    "b": ("Checkpoints",),
    "c": ("Convert", "Cast"),
    "d": ("Trash",),
    "e": ("Edit", "Settings", "Rename"),
    "f": ("Rule",),
    "g": ("Top",),
    "h": ("Left",),
    "i": ("Info", "Its"),
    "j": ("Down",),
    "k": ("Up",),
    "l": ("Right",),
    "m": ("Merge", "Mark"),
    "n": ("Next",),
    "o": ("Sources", "Open"),
    "p": ("Pause", "Resume"),
    "q": ("Quit",),
    "r": ("Reject",),
    "s": ("Save",),
    "t": ("Train",),
    "u": ("Update",),
    "v": ("Preview",),
    "w": ("Watch",),
    "x": ("Stop",),
    "y": ("Copy",),
    "z": ("Undo",),
    "A": ("Gather",),
    "C": ("Clean", "Compare"),
    "D": ("Doctor",),
    "E": ("Export",),
    "F": ("Faces",),
    "G": ("Bottom",),
    "L": ("Look",),
    "K": ("Keep",),
    "P": ("Pictures",),
    "R": ("Retry", "Restore"),
    "S": ("Sort",),
    "T": ("Try",),
    "W": ("Withdraw",),
    "X": ("Kill",),
}

EVERYWHERE = "Everywhere"
LISTS = "In a list"
FORMS = "In a form"
PICKER = "Choosing files"
PEOPLE = "In People"
SOURCES = "Among a person's sources"
FACES = "Among faces"
SWAPS = "On a swap"
SWAP_LIST = "In Swaps"
TRAINING = "Looking at a training"
CHECKPOINTS = "On a checkpoint"
CONVERT = "Converting"
CAST = "Casting"
RESULT = "On a result"
JOBS = "On a running job"
JOB_LIST = "In Jobs"
FILES = "In Files"
SYSTEM = "In System"
