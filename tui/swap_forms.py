"""The forms of a swap: made of two people and a preset, changed, trained, exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from projects.options import Option, Value
from projects.presets import PRESETS, PROGRAM, PresetFacts
from projects.rates import Rate, known_rate
from projects.swaps import Swap
from projects.training_options import (
    LIMITS,
    RUN,
    SETTINGS,
    changed,
    options_for,
    recipe_of,
    train_arguments,
    values_of,
)
from tui.forms import Form
from tui.snapshot import PersonRow, Snapshot, SwapRow
from tui.text import clean, duration, figure, plural, size

_DOT = "__"  # a field's id can have no dot
NAME = "name"
ALSO = "also"
START = "start"
MANY = 1_000


def new_swap_form(people: Sequence[PersonRow], trained: Sequence[str] = ()) -> Form:
    """Asks for two people, a preset, and what may be left to itself.

    trained: slugs of the swaps that a new one can start from.
    """
    slugs = tuple(row.slug for row in people)
    with_faces = [row.slug for row in people if row.kept] or list(slugs)
    target = next((slug for slug in with_faces if slug != with_faces[0]), slugs[-1])
    options = (
        Option(
            "source", "Source", "choice", with_faces[0], choices=slugs, required=True,
            help="Whose face will be seen. " + _faces_of(people),
        ),
        Option(
            "target", "Target", "choice", target, choices=slugs, required=True,
            help="Whose footage is altered. " + _faces_of(people),
        ),
        Option(
            "preset", "Preset", "choice", next(iter(PRESETS)), choices=tuple(PRESETS),
            required=True, help="The network; what it is for and needs is said above.",
        ),
        Option(
            NAME, "Name", "text", help="Left empty it is called SOURCE-as-TARGET.",
        ),
        Option(
            ALSO, "Also", "text",
            help="More people who share the encoder, with commas: a wider view of faces.",
        ),
        *_start_from(trained),
        Option(
            "seed", "Seed", "int", None, 0, 2**31 - 1,
            help="The same seed, faces and settings give the same model. Left empty: a new one.",
        ),
    )  # fmt: skip
    return Form("New swap", options, note=chosen_preset_note)


def _start_from(trained: Sequence[str]) -> list[Option]:
    if not trained:
        return []
    return [
        Option(
            START, "Start from", "choice", choices=tuple(trained),
            help="A trained swap: the new one begins with what it has learnt, and has its preset.",
        )
    ]  # fmt: skip


def also_of(values: Mapping[str, Value]) -> list[str]:
    """Who else was named in the form of a new swap."""
    return [name for part in str(values.get(ALSO) or "").split(",") if (name := part.strip())]


def _faces_of(people: Sequence[PersonRow]) -> str:
    none = [row.slug for row in people if not row.kept]
    if not none:
        return ""
    return f"Without faces so far: {', '.join(none[:4])}{'…' if len(none) > 4 else ''}."


def chosen_preset_note(texts: Mapping[str, str]) -> str:
    """What the preset is for and needs here that is chosen in a form."""
    return preset_note(PRESETS[texts["preset"]])


def preset_note(facts: PresetFacts, batch: int | None = None, faces: int = 0) -> str:
    """What a preset is for, and what it needs in memory, disk and time on this machine."""
    batch = batch or facts.batch
    needs = [
        f"{facts.size} px",
        f"{facts.parameters / 1e6:.1f} M weights",
        f"{size(facts.training_memory(batch, faces))} in training",
        f"{size(facts.checkpoint)} a checkpoint",
    ]
    rate = known_rate(facts.name, batch)
    return f"{facts.name}: {facts.purpose}\n  {' · '.join(needs)}\n  here: {pace(rate)}"


def pace(rate: Rate | None) -> str:
    """How fast this machine trains, by what was measured on it."""
    if rate is None:
        return "its speed was not measured yet"
    took = duration(MANY / rate.steps_per_second)
    return f"{figure(rate.steps_per_second)} steps/s, {MANY:,} steps in {took}"


def settings_form(swap: Swap) -> Form:
    """Asks for the name and every setting of a swap."""
    recipe = recipe_of(swap.preset, swap.settings)
    options = [_field(option) for option in options_for(swap.preset, recipe)]
    first = {_id(name): value for name, value in values_of(swap.preset, swap.settings).items()}
    name = Option(NAME, "Name", "text", swap.name, required=True, help="Its folder stays as it is.")

    def check(values: Mapping[str, Value]) -> None:
        changed(swap.preset, swap.settings, said(swap, values))

    return Form(
        f"Settings of {clean(swap.name, 40)}",
        [name, *options],
        {NAME: swap.name, **first},
        check=check,
        note=f"Preset {clean(swap.preset, 40)}. Nothing here changes a training that runs.",
    )


def said(swap: Swap, values: Mapping[str, Value]) -> dict[str, Value]:
    """What a form changed of the swap's settings, by the options' names.

    What was left as it was follows the recipe, also when that is the change.
    """
    before = values_of(swap.preset, swap.settings)
    after = {option.name: values.get(_id(option.name)) for option in SETTINGS}
    return {name: value for name, value in after.items() if value != before[name]}


def settings_after(swap: Swap, values: Mapping[str, Value]) -> dict[str, Any]:
    """The changes of a swap that a form asks for, as `update_swap` takes them."""
    changes: dict[str, Any] = {
        "settings": changed(swap.preset, swap.settings, said(swap, values)),
        NAME: values[NAME],
    }
    return changes


def train_form(row: SwapRow, snapshot: Snapshot) -> Form:
    """Asks how long to train, and how often to save, show and score."""
    options = [
        replace(option, group=option.group or ("Every now and then" if number > 2 else ""))
        for number, option in enumerate(LIMITS)
    ]
    options += [option for option in RUN if option not in LIMITS]

    def check(values: Mapping[str, Value]) -> None:
        train_arguments(row.slug, values)

    return Form(f"Train {row.name}", options, check=check, note=train_note(row, snapshot))


def train_note(row: SwapRow, snapshot: Snapshot) -> str:
    """Where the training is, what a step takes here, and what it needs."""
    parts = [f"It is at step {row.trained:,}." if row.trained else "It was never trained."]
    facts = PRESETS.get(row.preset)
    if facts is not None:
        shown = (row.source, row.target, *row.others)
        faces = sum(p.kept for p in snapshot.people if p.slug in shown)
        needs = size(facts.training_memory(faces=faces))
        known = pace(known_rate(facts.name, facts.batch))
        parts.append(
            f"{row.preset}: {needs} of the device for {plural(faces, 'face')} (on a CPU "
            f"{size(PROGRAM)} more); here {known}."
        )
    parts.append("Without a limit it trains until you stop it.")
    return " ".join(parts)


def export_form(row: SwapRow, folder: Path) -> Form:
    """Asks where to."""
    options = (
        Option("folder", "New folder", "path", str(folder), required=True,
               help="It must not be there yet, nor lie in the workspace."),
        Option("newest", "Newest", "bool", False,
               help="The newest checkpoint instead of the one in use."),
    )  # fmt: skip
    note = (
        "Weights, a description and a model card. Who gets them can make this face say anything: "
        "give them on only as both people's consent allows."
    )
    return Form(f"Export {row.name}", options, note=note)


def _id(name: str) -> str:
    return name.replace(".", _DOT)


def _field(option: Option) -> Option:
    return replace(option, name=_id(option.name))
