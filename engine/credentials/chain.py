"""Whether certificates lead to an authority trusted here (after RFC 5280, section 6)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

Standing = Literal["trusted", "unknown", "expired", "broken"]
LONGEST: Final = 8
"""Certificates of a chain; more is an attempt to keep somebody busy."""


def standing(
    chain: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    at: datetime | None = None,
) -> Standing:
    """What signatures of `chain[0]` are worth at `at` (default: now).

    chain: the signing certificate, then whoever issued it, as far as known. It need not hold the
    anchor. "broken": one was not issued by the next, or by one that may issue none.
    """
    at = at or datetime.now(UTC)
    if not chain or len(chain) > LONGEST or not _may_sign(chain[0]):
        return "broken"
    path, known = [chain[0]], {_digest(anchor) for anchor in anchors}
    for issuer in chain[1:]:
        if _digest(path[-1]) in known:
            break
        if not _issued(path[-1], issuer, len(path) - 1):
            return "broken"
        path.append(issuer)
    anchored = _digest(path[-1]) in known
    if not anchored:
        above = next((one for one in anchors if _issued(path[-1], one, len(path) - 1)), None)
        if above is not None:
            path.append(above)
            anchored = True
    if not all(one.not_valid_before_utc <= at <= one.not_valid_after_utc for one in path):
        return "expired"
    return "trusted" if anchored else "unknown"


def _issued(lower: x509.Certificate, upper: x509.Certificate, between: int) -> bool:
    """Whether `upper` issued `lower` and was allowed to, with `between` authorities below it."""
    try:
        lower.verify_directly_issued_by(upper)
        basic = upper.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = _usage(upper)
    except (
        InvalidSignature,
        UnsupportedAlgorithm,
        ValueError,
        TypeError,
        x509.ExtensionNotFound,
        x509.DuplicateExtension,
    ):
        return False
    room = basic.path_length is None or basic.path_length >= between
    return basic.ca and room and (usage is None or usage.key_cert_sign)


def _may_sign(leaf: x509.Certificate) -> bool:
    try:
        usage = _usage(leaf)
    except (ValueError, x509.DuplicateExtension):
        return False
    return usage is None or usage.digital_signature


def _usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def _digest(certificate: x509.Certificate) -> bytes:
    return certificate.fingerprint(hashes.SHA256())
