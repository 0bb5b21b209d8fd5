"""What a person set for the dashboard: colours and keys, in a file of theirs.

    ~/.config/swapdeck/dashboard.toml

    version = 1
    theme = "swapdeck-light"
    low_bandwidth = true

    [keys]
    stop = "ctrl+x"
    down = "j,down,ctrl+n"

It belongs to the person and not to the workspace, which others may share. What is wrong in it is
told in a sentence, and everything else of it holds. Reading it imports nothing of Textual, which
looks at its own settings once and for all when it is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from projects.errors import CommandError, SwapdeckError
from projects.names import printable
from projects.options import Option
from projects.texts import versioned_toml

VERSION = 1
OPTIONS = (
    Option("theme", "Theme", "text", "", help="The colours."),
    Option("low_bandwidth", "Low bandwidth", "bool", default=False, help="Draw little."),
)
_MODIFIERS = ("ctrl", "shift", "alt")


@dataclass(frozen=True)
class Settings:
    """`theme` "" is the one last chosen in the dashboard. `keys` are those of actions by
    their ids, as they are written; see `keymap`."""

    theme: str = ""
    low_bandwidth: bool = False
    keys: object = field(default_factory=dict)


def settings_path() -> Path | None:
    """Where the file is: in $XDG_CONFIG_HOME, else ~/.config; None where nobody knows a home."""
    folder = own_folder("XDG_CONFIG_HOME", ".config")
    return None if folder is None else folder / "dashboard.toml"


def own_folder(variable: str, usual: str) -> Path | None:
    """swapdeck's folder in the one that an environment variable names, else in `usual` at home."""
    base = os.environ.get(variable, "")
    if base and Path(base).is_absolute():
        return Path(base) / "swapdeck"
    try:
        return Path.home() / usual / "swapdeck"
    except RuntimeError:
        return None


def read_settings(path: Path | None) -> tuple[Settings, tuple[str, ...]]:
    """What the file says, and a sentence for each thing in it that cannot be."""
    if path is None or not os.path.lexists(path):
        return Settings(), ()
    try:
        document = versioned_toml(path, VERSION)
    except SwapdeckError as error:
        return Settings(), (f"Your settings are left aside. {error}",)
    problems: list[str] = []
    values = {}
    known = {option.name: option for option in OPTIONS}
    for name, value in document.items():
        if name in ("version", "keys"):
            continue
        try:
            if name not in known:
                raise CommandError(f"There is no setting '{printable(name)}'.")
            values[name] = known[name].check(value)
        except CommandError as error:
            problems.append(f"{path.name}: {error}")
    theme, low = values.get("theme", ""), values.get("low_bandwidth", False)
    return Settings(str(theme), bool(low), document.get("keys", {})), tuple(problems)


def keymap(wanted: object) -> tuple[dict[str, str], list[str]]:
    """The keys of actions that were given others, and a sentence for each that cannot be.

    A key that another action has is refused, since one key means one thing: give that action
    another one as well.
    """
    from tui.actions import ACTIONS, key_name

    if not isinstance(wanted, Mapping):
        return {}, ['[keys] is no table. Write lines like: stop = "ctrl+x"']
    usual = {action.id: action.keys for action in ACTIONS}
    labels = {action.id: action.label for action in ACTIONS}
    chosen: dict[str, str] = {}
    problems = []
    for name, keys in wanted.items():
        if name not in usual:
            problems.append(
                f"there is no action '{printable(str(name))}'. The ids are in the help (?)."
            )
            continue
        try:
            chosen[name] = ",".join(_key(key) for key in _split(keys))
        except CommandError as error:
            problems.append(f"{name}: {error}")
    for name in list(chosen):
        clash = _clash(name, {**usual, **chosen}, usual)
        if clash is not None:
            key, other = clash
            problems.append(
                f"{key_name(key)} cannot be {labels[name]}: it is {labels[other]} already. "
                f"Give '{other}' another key too."
            )
            del chosen[name]
    return chosen, problems


def _clash(name: str, keys: Mapping[str, str], usual: Mapping[str, str]) -> tuple[str, str] | None:
    """A key of the action that another one has too, and which; not those that share it anyway."""
    for key in keys[name].split(","):
        for other, theirs in keys.items():
            shared = set(usual[name].split(",")) & set(usual[other].split(","))
            if other != name and key in theirs.split(",") and not shared:
                return key, other
    return None


def _split(keys: object) -> list[str]:
    parts = keys.split(",") if isinstance(keys, str) and keys != "," else keys
    if not isinstance(parts, list) or not parts or not all(isinstance(p, str) for p in parts):
        raise CommandError('keys are written as "x" or "x,ctrl+x".')
    return parts


def _key(key: str) -> str:
    """A key as Textual names it: ? is question_mark.

    Raises:
        CommandError: no keyboard has it.
    """
    from textual.keys import Keys, _character_to_key

    named = {key.value for key in Keys} | {"space", "slash", "colon", "question_mark", "full_stop"}
    stripped = key.strip()
    *modifiers, last = stripped.split("+") if stripped != "+" else ["+"]
    if len(last) == 1 and last.isprintable() and not last.isspace():
        last = _character_to_key(last)
    elif last not in named:
        raise CommandError(
            f"there is no key '{printable(key)}'. Write a letter, or a name such as f6, ctrl+x, "
            "pageup, space."
        )
    if any(modifier not in _MODIFIERS for modifier in modifiers):
        raise CommandError(f"there is no key '{printable(key)}'. Before + comes ctrl, alt, shift.")
    return "+".join([*modifiers, last])
