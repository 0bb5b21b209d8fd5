"""Everything that can be chosen about a conversion, each described once.

The engine's settings of a conversion hold themselves to this table, and the command line, the
files that change settings by shot, and the dashboard's form are made from it.
"""

from typing import Final

from projects.options import Option

FACE_PIXELS: Final = 256
"""Lengths on a face are in pixels of one that is cut out this wide, so that they grow with it."""

PICTURE_OPTIONS: Final = (
    Option(
        "mask",
        "Mask",
        "choice",
        "auto",
        choices=("auto", "wide", "both", "hull", "learnt", "either"),
        help="What cuts the face out: the outline of its landmarks (hull), the mask that the model "
        "learnt, where both agree, where either does, or the outline and what was learnt close to "
        "it (wide). By itself wide, and both where the blend is poisson. A mask painted by hand "
        "always counts.",
        group="Mask",
    ),
    Option(
        "erode",
        "Erode",
        "float",
        0.0,
        -60,
        100,
        unit="px of a 256 px face",
        help="Draws the mask back from its edge; less than 0 lets it grow.",
        group="Mask",
    ),
    Option(
        "feather",
        "Feather",
        "float",
        13.0,
        0,
        100,
        unit="px of a 256 px face",
        help="Over what length the face fades in, all of it inside the mask.",
        group="Mask",
    ),
    Option(
        "occlusion",
        "Keep what is before the face",
        "bool",
        True,
        help="Whether a hand, a microphone or hair before the face stays before the new one.",
        group="Mask",
    ),
    Option(
        "colour",
        "Colour",
        "choice",
        "auto",
        choices=("auto", "light", "lab", "mkl", "histogram", "sliced", "none"),
        help="What the new face takes over of the old one: only the light on it (light), its "
        "colours by mean and spread (lab), by covariance (mkl), by each channel's distribution "
        "(histogram) or by all of it (sliced), or nothing. Auto is light where the footage of both "
        "people has colours of one kind, and lab where it has not.",
        group="Colour",
    ),
    Option(
        "blend",
        "Blend",
        "choice",
        "auto",
        choices=("auto", "feather", "multiband", "poisson"),
        help="How it goes in: faded in (feather), faded in band by band (multiband), or with its "
        "colours drawn to those of the frame at its edge (poisson). Auto is feather for a face "
        "that keeps its own colours, and poisson for one that does not.",
        group="Blend",
    ),
    Option(
        "opacity",
        "Opacity",
        "float",
        1.0,
        0,
        1,
        help="How much of the new face is seen; below 1 the old one shows through.",
        group="Blend",
    ),
    Option(
        "sharpness",
        "Sharpness",
        "float",
        0.0,
        0,
        1,
        help="How far the new face is made as sharp, or as soft, as the frame.",
        group="Blend",
    ),
    Option(
        "grain",
        "Grain",
        "float",
        0.0,
        0,
        1,
        help="How much of the frame's grain the new face gets.",
        group="Blend",
    ),
    Option(
        "sharpen",
        "Sharpen",
        "float",
        0.0,
        -1,
        2,
        help="Sharpens the new face by hand; less than 0 softens it.",
        group="Blend",
    ),
    Option(
        "placement",
        "Placement",
        "choice",
        "own",
        choices=("own", "target"),
        help="Whose proportions the new face has: its own, learnt from both people's faces, or the "
        "target's.",
        group="Place",
    ),
    Option(
        "outline",
        "Outline",
        "float",
        0.0,
        0,
        1,
        help="How far the new face's outline is bent to meet the target's jaw and hairline.",
        group="Place",
    ),
    Option(
        "scale",
        "Face scale",
        "float",
        1.0,
        0.7,
        1.4,
        help="How much larger the new face is, around its eyes.",
        group="Place",
    ),
    Option(
        "smooth",
        "Smooth",
        "int",
        7,
        1,
        51,
        unit="frames",
        help="Over how many frames, an odd number, the face's place, size and tilt are steadied; "
        "1 is not at all.",
        group="Place",
    ),
)
"""What of the picture can be chosen, and changed from shot to shot."""

SEARCH_OPTIONS: Final = (
    Option(
        "confidence",
        "Confidence",
        "float",
        0.4,
        0.01,
        1,
        help="How sure it must be that a head is the person's before it gets the new face; below "
        "that it is left alone, and listed.",
        group="Casting",
    ),
    Option(
        "upsample",
        "Enlarge",
        "int",
        0,
        0,
        3,
        unit="times",
        help="How often frames are doubled before they are searched, for faces below 80 pixels.",
        group="Casting",
    ),
)
"""What can be chosen about whose faces are found."""

FILE_OPTIONS: Final = (
    Option(
        "codec",
        "Codec",
        "choice",
        "h264",
        choices=("h264", "h265", "av1", "prores", "ffv1", "png", "tiff"),
        help="How the result is encoded; png and tiff fill a folder with a picture of every frame.",
        group="File",
    ),
    Option(
        "quality",
        "Quality",
        "int",
        None,
        0,
        63,
        help="The constant rate factor: 0 is the best; 18 for h264, 20 for h265 and 25 for av1 are "
        "hard to tell from the original.",
        group="File",
    ),
    Option(
        "speed",
        "Speed",
        "choice",
        "veryfast",
        choices=(
            *("ultrafast", "superfast", "veryfast", "faster", "fast"),
            *("medium", "slow", "slower", "veryslow"),
        ),
        help="How fast it is encoded; slower makes files that are smaller, or truer.",
        group="File",
    ),
    Option(
        "rate",
        "Frame rate",
        "text",
        None,
        help="Frames a second of a folder of pictures that becomes a video, as 25 or 30000/1001.",
        group="File",
    ),
)
"""What can be chosen about the file that is written."""

CONVERSION_OPTIONS: Final = (*PICTURE_OPTIONS, *SEARCH_OPTIONS, *FILE_OPTIONS)
"""All of them."""
