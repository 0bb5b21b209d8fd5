"""Memory in large pages for the processes that train.

XLA asks for a step's working memory anew at each step and gives it back. In pages of 4 KB the
kernel then answers hundreds of thousands of page faults a second, a fifth of the time of a step on
the CPU. glibc asks for 2 MB pages instead when it is told to, which it reads as a process starts.
"""

from collections.abc import Mapping

_TUNABLE = "glibc.malloc.hugetlb"


def with_large_pages(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child process that has large pages where the system allows them. What
    the user said about it in GLIBC_TUNABLES stands; other C libraries ignore the variable."""
    tunables = environment.get("GLIBC_TUNABLES", "")
    if _TUNABLE in tunables:
        return dict(environment)
    joined = ":".join(filter(None, [tunables, f"{_TUNABLE}=1"]))
    return {**environment, "GLIBC_TUNABLES": joined}
