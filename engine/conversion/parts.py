"""Who plays whom: the model for each role of a conversion."""

from dataclasses import dataclass, field

from engine.conversion.byhand import NOTHING_BY_HAND, ByHand
from engine.conversion.casting import Role
from engine.conversion.placement import TwoFaces
from engine.conversion.swapper import Swapper, Who


@dataclass(frozen=True, eq=False)
class Part:
    """One role and what replaces its face.

    who: the decoder whose face goes in. by_hand: places and masks that a person set for frames of
    the footage. model: what tells the model apart from every other, as a digest of its weights; ""
    for one whose answers are not kept. two: whose proportions the new face has, and whose the old
    one; None where that is not known.
    """

    role: Role
    swapper: Swapper
    who: Who = "source"
    by_hand: ByHand = field(default=NOTHING_BY_HAND)
    model: str = ""
    two: TwoFaces | None = None
