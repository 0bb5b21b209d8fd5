"""Errors a user can do something about. The text is sentences: what happened, and what to do."""


class SwapdeckError(Exception):
    """The work failed for a reason that the text explains."""

    exit_code = 1


class CommandError(SwapdeckError):
    """What was asked for cannot be right: an unknown person, a bad name, a path outside."""

    exit_code = 2


class RefusedError(SwapdeckError):
    """Refused on purpose: consent or credentials are missing."""

    exit_code = 3


class DamagedError(SwapdeckError):
    """A file cannot be trusted: it does not parse, or its bytes were changed."""


class NewerVersionError(DamagedError):
    """A file was written by a newer swapdeck than this one."""


class StopRequested(SwapdeckError):  # noqa: N818 - a request that was met, not a fault
    """The work ended because it was asked to; everything is saved."""

    exit_code = 130
