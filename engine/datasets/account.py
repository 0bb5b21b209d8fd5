"""What became of a folder that was taken in."""

from dataclasses import dataclass, field


@dataclass
class Imported:
    """The account of an import, kept while it runs."""

    new: int = 0
    known: int = 0
    """Faces that were there already."""
    faceless: int = 0
    """Pictures in which no face was found."""
    refused: list[str] = field(default_factory=list)
    """What could not be taken in, as sentences."""
