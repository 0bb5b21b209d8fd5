"""From what a user says of a cast to the roles and models of a conversion."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.conversion.byhand import NOTHING_BY_HAND, set_by_hand
from engine.conversion.casting import ASKED, Fate, Role
from engine.conversion.parts import Part
from engine.conversion.placement import TwoFaces, proportions_of
from engine.conversion.settings import ConvertSettings
from engine.conversion.swapper import Swapper
from engine.conversion.tracks import Seen
from engine.faces.dataset import person_identity
from engine.faces.identity import IDENTITY_THRESHOLD
from engine.faces.references import read_references
from engine.training.importing import load_identity
from engine.training.inference import TrainedSwapper, load_swapper
from projects.casts import Casting, check_casts, parse_who
from projects.consent import require
from projects.errors import CommandError, SwapdeckError
from projects.faces import FaceIndex
from projects.people import Person, get_person, list_people
from projects.swaps import Swap, get_swap, people_of, use_of
from projects.workspace import Workspace

Load = Callable[..., tuple[TrainedSwapper, list[str]]]


@dataclass(frozen=True, eq=False)
class Player:
    """One role, with the model that plays it. person: who it is, where that was said."""

    role: Role
    person: Person | None
    swap: Swap
    swapper: Swapper
    step: int
    model: str
    two: TwoFaces | None = None

    def part(self, source: Path) -> Part:
        """For one source, with what was corrected in it by hand.

        Raises DamagedError, MediaError.
        """
        by_hand = NOTHING_BY_HAND if self.person is None else set_by_hand(self.person, source)
        return Part(self.role, self.swapper, by_hand=by_hand, model=self.model, two=self.two)


def players(
    workspace: Workspace,
    swap: Swap,
    casts: Sequence[Casting],
    settings: ConvertSettings,
    *,
    reverse: bool = False,
    newest: bool = False,
    load: Load = load_swapper,
) -> tuple[list[Player], list[str]]:
    """Who is replaced by which model, and warnings. Without `casts`, the swap's own target.

    Raises CommandError, and SwapdeckError for a swap that was never trained.
    """
    if not casts:
        altered = get_person(workspace, swap.source if reverse else swap.target)
        identity = _identity(altered, swap, "source" if reverse else "target")
        role = Role(altered.slug, altered.name, identity)
        swapper, warnings = load(swap, reverse=reverse, newest=newest)
        two = _two_faces(workspace, swap, altered.slug, settings, reverse=reverse)
        lacking = [] if two or settings.placement != "own" else [_unknown(swap)]
        return [_player(role, altered, swap, swapper, two)], [*warnings, *lacking]
    if reverse:
        raise CommandError("--reverse goes with one swap alone, not with --cast.")
    check_casts(workspace, swap, casts)
    loaded: dict[str, TrainedSwapper] = {}
    found: list[Player] = []
    warnings = []
    for who, name in casts:
        chosen = get_swap(workspace, name)
        if chosen.slug not in loaded:
            loaded[chosen.slug], more = load(chosen, newest=newest)
            warnings += more
        person = _person(workspace, who)
        if person is not None and person.slug != chosen.target:
            warnings.append(
                f"{chosen.name} was trained on footage of {chosen.target}; on {person.name} its "
                "face will fit less well."
            )
        role = _role(who, person, chosen, settings)
        altered_slug = chosen.target if person is None else person.slug
        two = _two_faces(workspace, chosen, altered_slug, settings)
        if two is None and settings.placement == "own":
            warnings.append(_unknown(chosen))
        found.append(_player(role, person, chosen, loaded[chosen.slug], two))
    return found, warnings


def people_of_cast(
    workspace: Workspace, swap: Swap, casts: Sequence[Casting]
) -> tuple[Person, ...]:
    """Everybody whose consent a conversion needs: source and target of each swap, and whoever is
    named. Raises CommandError."""
    slugs = [swap.source, swap.target]
    for who, name in casts:
        chosen = get_swap(workspace, name)
        person = _person(workspace, who)
        slugs += [chosen.source, chosen.target, *([person.slug] if person else [])]
    return tuple(get_person(workspace, slug) for slug in dict.fromkeys(slugs))


def people_behind_cast(
    workspace: Workspace, swap: Swap, casts: Sequence[Casting]
) -> dict[str, list[Person]]:
    """Everybody else whose face is in one of the models, by what they must have agreed to. Raises
    RefusedError, CommandError."""
    found: dict[str, list[Person]] = {}
    for one in (swap, *(get_swap(workspace, name) for _, name in casts)):
        for person in people_of(workspace, one)[2:]:
            found.setdefault(use_of(one, person, "conversion"), []).append(person)
    return found


def approve(workspace: Workspace, seen: Seen, fates: Sequence[Fate]) -> None:
    """Refuse to replace somebody by the number of a track, or a picture, who is in the workspace
    and has not consented. Raises RefusedError."""
    asked = [seen.tracks[fate.track] for fate in fates if fate.why == ASKED]
    if not asked:
        return
    for person in list_people(workspace, []):
        try:
            with FaceIndex(person.index_path, readonly=True) as index:
                identity = person_identity(index)
        except SwapdeckError:
            continue  # nobody can be told by a dataset that is not there
        if any(track.distance(identity) <= IDENTITY_THRESHOLD for track in asked):
            require(person, "conversion")


def _player(
    role: Role,
    person: Person | None,
    swap: Swap,
    swapper: TrainedSwapper,
    two: TwoFaces | None,
) -> Player:
    digest = str(getattr(swapper, "digest", ""))
    return Player(role, person, swap, swapper, swapper.step, digest, two)


def _two_faces(
    workspace: Workspace,
    swap: Swap,
    altered: str,
    settings: ConvertSettings,
    *,
    reverse: bool = False,
) -> TwoFaces | None:
    """The proportions of both, where both have a dataset that shows them."""
    slugs = (swap.target if reverse else swap.source, altered)
    new, old = (proportions_of(get_person(workspace, slug), settings.alignment) for slug in slugs)
    return None if new is None or old is None else TwoFaces(new, old)


def _unknown(swap: Swap) -> str:
    return (
        f"{swap.name}'s two people have too few faces here that look towards the camera to tell "
        "their proportions: the new face gets the target's, and its colours. Extract footage of "
        "both, or choose --placement target."
    )


def _person(workspace: Workspace, who: str) -> Person | None:
    kind, value = parse_who(who)
    return get_person(workspace, value) if kind == "person" else None


def _role(who: str, person: Person | None, swap: Swap, settings: ConvertSettings) -> Role:
    kind, value = parse_who(who)
    if kind == "track":
        return Role(who, f"track {value}", track=int(value))
    if person is None:
        like = read_references([Path(value)], [], settings.landmark_model).like
        return Role(who, f"whoever {Path(value).name} shows", like.mean(0).astype(np.float32))
    return Role(who, person.name, _identity(person, swap, "target"))


def _identity(person: Person, swap: Swap, who: str) -> npt.NDArray[np.float32]:
    """The mean embedding of the person's faces, or the one that came with an imported swap."""
    with FaceIndex(person.index_path, readonly=True) as index:
        if not index.counts().kept and (known := load_identity(swap, who)) is not None:
            return known
        return person_identity(index)
