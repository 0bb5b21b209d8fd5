"""The forms of a conversion: how it looks, where it goes, who becomes whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from projects.conversion_options import CONVERSION_OPTIONS
from projects.errors import CommandError
from projects.options import Option, Value, defaults
from tui.forms import Form
from tui.snapshot import Snapshot
from tui.text import clean, plural

LABEL = "AI-altered face"
NOBODY = "as it is"
CORNERS = ("top-left", "top-right", "bottom-left", "bottom-right")

RUN: tuple[Option, ...] = (
    Option("output", "Output", "path", help="A file, or a folder to fill. Left empty: the swap's "
           "own results.", group="Where to"),
    Option("overwrite", "Overwrite", "bool", False, help="Replace an output that is there already.",
           group="Where to"),
    Option("reverse", "Reverse", "bool", False,
           help="Put the target person's face on footage of the source person.", group="Who"),
    Option("anonymise", "Anonymise", "bool", False,
           help="Look for the person in every frame of the result; fails if they are recognised.",
           group="Who"),
    Option("newest", "Newest", "bool", False,
           help="The newest checkpoint instead of the one in use.", group="Who"),
    Option("names", "Names", "bool", False, help="Name the people in the signed credentials.",
           group="Marking"),
    Option("label", "Label", "text", help=f"Words in a corner of every frame, as: {LABEL}",
           group="Marking"),
    Option("corner", "Corner", "choice", "bottom-right", choices=CORNERS,
           help="Where the label stands.", group="Marking"),
    Option("seconds", "Label's seconds", "float", None, 0.1, unit="s",
           help="How long it stands, from the start. Left empty: all the time.", group="Marking"),
)  # fmt: skip
"""What one conversion is told besides its settings."""

_LOOK = ("reverse", "newest")  # of these, what changes how a frame looks


@dataclass(frozen=True)
class Plan:
    """What a conversion will be told: settings that differ from their defaults, what the run is
    told, and who becomes whom."""

    settings: Mapping[str, Value] = field(default_factory=dict)
    run: Mapping[str, Value] = field(default_factory=dict)
    cast: tuple[tuple[str, str], ...] = ()

    def arguments(self, swap: str, inputs: Sequence[Path]) -> dict[str, Any]:
        """The arguments of a `convert` job that converts."""
        run = {**defaults(RUN), **self.run}
        label = None
        if run["label"]:
            said = {"text": run["label"], "corner": run["corner"], "seconds": run["seconds"]}
            label = {name: value for name, value in said.items() if value is not None}
        output = run["output"]
        return {
            **self._common(swap, inputs),
            "output": None if output is None else str(Path(str(output)).expanduser().absolute()),
            "overwrite": run["overwrite"],
            "anonymise": run["anonymise"],
            "names": run["names"],
            "label": label,
        }

    def preview(self, swap: str, footage: Path, frame: int) -> dict[str, Any]:
        """The arguments of a `convert` job that shows one frame."""
        return {**self._common(swap, [footage]), "preview": [frame]}

    def tracks(self, swap: str, footage: Path) -> dict[str, Any]:
        """The arguments of a `convert` job that lists who is in the footage."""
        return {**self._common(swap, [footage]), "tracks": True}

    def _common(self, swap: str, inputs: Sequence[Path]) -> dict[str, Any]:
        run = {**defaults(RUN), **self.run}
        return {
            "swap": swap,
            "inputs": [str(path.absolute()) for path in inputs],
            **{name: run[name] for name in _LOOK},
            "cast": [list(pair) for pair in self.cast],
            "settings": dict(self.settings),
        }

    def with_settings(self, values: Mapping[str, Value]) -> Plan:
        """With these settings, of which those that are the default are left out."""
        usual = defaults(CONVERSION_OPTIONS)
        return replace(self, settings={n: v for n, v in values.items() if v != usual[n]})

    def with_run(self, values: Mapping[str, Value]) -> Plan:
        """With what a run is told; an output counts once."""
        usual = defaults(RUN)
        return replace(self, run={n: v for n, v in values.items() if v != usual[n]})

    def with_cast(self, who: str, swap: str | None) -> Plan:
        """With `who` becoming what this swap makes of them; None leaves them as they are."""
        kept = [pair for pair in self.cast if pair[0] != who]
        return replace(self, cast=(*kept, (who, swap)) if swap else tuple(kept))


def settings_form(plan: Plan) -> Form:
    """Asks for everything that can be chosen about the picture."""
    values = {**defaults(CONVERSION_OPTIONS), **plan.settings}
    return Form("How it looks", CONVERSION_OPTIONS, values, check=_check_settings)


def _check_settings(values: Mapping[str, Value]) -> None:
    smooth = values.get("smooth")
    if isinstance(smooth, int) and smooth % 2 == 0:
        raise CommandError(f"Smooth is {smooth}, and must be an odd number of frames.")


def start_form(plan: Plan, inputs: Sequence[str]) -> Form:
    """Asks where to and how marked, before a conversion of the inputs called so is started."""
    what = inputs[0][:40] if len(inputs) == 1 else plural(len(inputs), "input")
    changed = ", ".join(_shown(plan)) or "all as usual"
    note = f"{what}. Settings: {changed}. The result is signed and watermarked in any case."

    def check(values: Mapping[str, Value]) -> None:
        output = values.get("output")
        if output and len(inputs) > 1 and not Path(str(output)).expanduser().is_dir():
            raise CommandError("For several inputs the output must be a folder that is there.")
        if values.get("anonymise") and values.get("names"):
            raise CommandError("Who is to be anonymous cannot be named in the credentials.")

    return Form("Convert", RUN, {**defaults(RUN), **plan.run}, check=check, note=note)


def _shown(plan: Plan) -> list[str]:
    known = {option.name: option for option in CONVERSION_OPTIONS}
    return [f"{known[n].label.lower()} {known[n].show(v)}" for n, v in plan.settings.items()]


def plan_words(plan: Plan) -> str:
    """The settings that were changed, in a line."""
    return ", ".join(_shown(plan)) or "as usual"


def cast_form(who: str, snapshot: Snapshot, swap: str) -> Form:
    """Asks which swap's model replaces `who`."""
    return Form(f"What becomes of {clean(who, 40)}?", [_swaps(snapshot, swap)])


def cast_person_form(snapshot: Snapshot, swap: str, target: str) -> Form:
    """Asks for a person, or a picture that shows one, and a swap."""
    people = tuple(row.slug for row in snapshot.people) or (target,)
    chosen = target if target in people else people[0]
    options = (
        Option("person", "Person", "choice", chosen, choices=people, required=True,
               help="Who is replaced wherever they are recognised."),
        Option("picture", "Or a picture", "path",
               help="A picture of somebody's face; then they are replaced instead of the person."),
        _swaps(snapshot, swap),
    )  # fmt: skip
    return Form("Cast somebody", options)


def _swaps(snapshot: Snapshot, swap: str) -> Option:
    choices = (*(row.slug for row in snapshot.swaps if not row.problem), NOBODY)
    help = "Whose model replaces this face. When anybody is cast, nobody else is replaced."
    chosen = swap if swap in choices else NOBODY
    return Option("swap", "Becomes", "choice", chosen, choices=choices, required=True, help=help)
