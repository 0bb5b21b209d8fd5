"""The mean face that every face is aligned to: 68 landmarks in unit chip coordinates.

Made here: dlib's landmarks on near-frontal frames with closed lips, eight people (five synthetic,
three real), each scaled to the distance between the eye centres, averaged a person, then over the
people, and made symmetric. The eye centres are `EYES_APART` of the chip's side apart, on the line
`EYE_LINE` below its top.

Coverage, measured after alignment by eyes and bridge on 255 frames of twelve people: brows end at
0.10 or lower; the chin lies at 0.79-0.90 with the lips closed and at most at 0.99 with the mouth
fully open; the outline stays within 0.04-0.96 across up to 20 degrees of yaw.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

EYES_APART: Final = 0.31
EYE_LINE: Final = 0.27

# fmt: off
_POINTS: Final = (
    (0.1615, 0.2659), (0.1632, 0.3553), (0.1756, 0.4454), (0.1961, 0.5348),
    (0.2285, 0.6192), (0.2805, 0.6945), (0.3455, 0.7587), (0.4187, 0.8104),
    (0.5000, 0.8235), (0.5813, 0.8104), (0.6545, 0.7587), (0.7195, 0.6945),
    (0.7715, 0.6192), (0.8039, 0.5348), (0.8244, 0.4454), (0.8368, 0.3553),
    (0.8385, 0.2659), (0.2208, 0.1981), (0.2625, 0.1580), (0.3221, 0.1437),
    (0.3837, 0.1491), (0.4434, 0.1711), (0.5566, 0.1711), (0.6163, 0.1491),
    (0.6779, 0.1437), (0.7375, 0.1580), (0.7792, 0.1981), (0.5000, 0.2590),
    (0.5000, 0.3248), (0.5000, 0.3907), (0.5000, 0.4569), (0.4354, 0.5015),
    (0.4670, 0.5098), (0.5000, 0.5180), (0.5330, 0.5098), (0.5646, 0.5015),
    (0.2837, 0.2684), (0.3221, 0.2472), (0.3690, 0.2482), (0.4106, 0.2786),
    (0.3662, 0.2894), (0.3184, 0.2882), (0.5894, 0.2786), (0.6310, 0.2482),
    (0.6779, 0.2472), (0.7163, 0.2684), (0.6816, 0.2882), (0.6338, 0.2894),
    (0.3745, 0.6077), (0.4242, 0.5914), (0.4687, 0.5790), (0.5000, 0.5870),
    (0.5313, 0.5790), (0.5758, 0.5914), (0.6255, 0.6077), (0.5777, 0.6460),
    (0.5333, 0.6615), (0.5000, 0.6642), (0.4667, 0.6615), (0.4223, 0.6460),
    (0.3956, 0.6114), (0.4686, 0.6107), (0.5000, 0.6145), (0.5314, 0.6107),
    (0.6044, 0.6114), (0.5319, 0.6120), (0.5000, 0.6159), (0.4681, 0.6120),
)
# fmt: on

TEMPLATE: Final[NDArray[np.float64]] = np.array(_POINTS, np.float64)
"""float64 [68, 2], (x, y) in the unit chip; iBUG 300-W order."""
TEMPLATE.setflags(write=False)
