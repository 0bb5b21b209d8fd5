"""The mean face that every face is aligned to: 68 landmarks in unit chip coordinates.

Made here: dlib's landmarks on near-frontal frames with closed lips, eight people (five synthetic,
three real), each scaled to the distance between the eye centres, averaged a person, then over the
people, and made symmetric. The eye centres are `EYES_APART` of the chip's side apart, on the line
`EYE_LINE` below its top.

Coverage, measured after alignment by eyes and bridge on 748 frames of seven people: brows end at
0.15 or lower, which leaves room for the forehead that `masks` takes in; the chin lies at 0.85-0.88
with the lips closed and at most at 0.97 with the mouth fully open; the outline stays within
0.08-0.95 across up to 20 degrees of yaw.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

EYES_APART: Final = 0.285
EYE_LINE: Final = 0.335

# fmt: off
_POINTS: Final = (
    (0.1888, 0.3312), (0.1904, 0.4134), (0.2018, 0.4963), (0.2206, 0.5784),
    (0.2504, 0.6560), (0.2982, 0.7253), (0.3580, 0.7843), (0.4253, 0.8318),
    (0.5000, 0.8439), (0.5747, 0.8318), (0.6420, 0.7843), (0.7018, 0.7253),
    (0.7496, 0.6560), (0.7794, 0.5784), (0.7982, 0.4963), (0.8096, 0.4134),
    (0.8112, 0.3312), (0.2433, 0.2689), (0.2817, 0.2320), (0.3364, 0.2189),
    (0.3931, 0.2239), (0.4480, 0.2441), (0.5520, 0.2441), (0.6069, 0.2239),
    (0.6636, 0.2189), (0.7183, 0.2320), (0.7567, 0.2689), (0.5000, 0.3249),
    (0.5000, 0.3854), (0.5000, 0.4460), (0.5000, 0.5068), (0.4406, 0.5478),
    (0.4697, 0.5555), (0.5000, 0.5630), (0.5303, 0.5555), (0.5594, 0.5478),
    (0.3011, 0.3335), (0.3364, 0.3140), (0.3796, 0.3150), (0.4178, 0.3429),
    (0.3770, 0.3528), (0.3330, 0.3517), (0.5822, 0.3429), (0.6204, 0.3150),
    (0.6636, 0.3140), (0.6989, 0.3335), (0.6670, 0.3517), (0.6230, 0.3528),
    (0.3846, 0.6455), (0.4303, 0.6305), (0.4712, 0.6191), (0.5000, 0.6264),
    (0.5288, 0.6191), (0.5697, 0.6305), (0.6154, 0.6455), (0.5714, 0.6807),
    (0.5306, 0.6949), (0.5000, 0.6974), (0.4694, 0.6949), (0.4286, 0.6807),
    (0.4040, 0.6489), (0.4711, 0.6482), (0.5000, 0.6517), (0.5289, 0.6482),
    (0.5960, 0.6489), (0.5293, 0.6494), (0.5000, 0.6530), (0.4707, 0.6494),
)
# fmt: on

TEMPLATE: Final[NDArray[np.float64]] = np.array(_POINTS, np.float64)
"""float64 [68, 2], (x, y) in the unit chip; iBUG 300-W order."""
TEMPLATE.setflags(write=False)
