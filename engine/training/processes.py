"""Several processes that train together: how they meet, what they tell each other, how they end.

Process 0 leads: it alone reads what is asked of the job, decides, and writes. The others, its
partners, do what it orders. Orders go through the store of JAX's coordination service, which lives
in process 0, and not through the devices: a leader may be paused for hours, or score, and no
collective of the devices waits meanwhile.
"""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import jax
from jax._src import distributed  # the store has no public name

from projects.errors import StopRequested, SwapdeckError
from projects.together import LOST, Meeting

MEET: Final = 300
"""Seconds that the processes wait for each other."""
HEARTBEAT: Final = 60
"""Seconds without a sign of life after which a process counts as lost."""
_LEAVE: Final = 5
"""Seconds that a process which ends waits for the others."""
_LOOK: Final = 10_000
"""Milliseconds between two looks at whether to go on waiting."""
_KEPT: Final = 256
"""Orders that stay in the store. Metrics are read one call behind, so no partner lags so far."""
_STATUS = re.compile(
    r"(UNKNOWN|UNAVAILABLE|INTERNAL|DEADLINE_EXCEEDED|ABORTED|CANCELLED|FAILED_PRECONDITION)\b"
)


class LostError(SwapdeckError):
    """A process of the training is gone."""

    def __init__(self, because: str = "") -> None:
        first = because.partition("\n")[0][:200]
        super().__init__(f"{LOST} ({first})" if first else LOST)


class Order(NamedTuple):
    """What the leader says."""

    what: str
    value: Any


class Orders:
    """The leader's orders, each read once by every partner, and what the partners answer."""

    def __init__(self) -> None:
        self._store: Any = distributed.global_state.client
        self._number = 0

    def send(self, what: str, value: Any = None) -> None:
        """Give an order. value: whatever JSON can say. Raises LostError."""
        with translated():
            self._store.key_value_set(self._key(self._number), json.dumps([what, value]))
            if self._number >= _KEPT:
                self._store.key_value_delete(self._key(self._number - _KEPT))
        self._number += 1

    def next(self) -> Order:
        """Wait for the next order, however long that is. Raises LostError."""
        order = Order(*json.loads(self._wait(self._key(self._number), lambda: None)))
        self._number += 1
        return order

    def answer(self, sentence: str) -> None:
        """Tell the leader whether this process can take part; "" for yes. Raises LostError."""
        with translated():
            self._store.key_value_set(f"swapdeck/answer/{jax.process_index()}", sentence)

    def answers(self, waiting: Callable[[], object]) -> list[str]:
        """What all partners answered, in their order; `waiting` is called again and again.

        Raises LostError.
        """
        partners = range(1, jax.process_count())
        return [self._wait(f"swapdeck/answer/{partner}", waiting) for partner in partners]

    def _wait(self, key: str, waiting: Callable[[], object]) -> str:
        while True:
            waiting()
            try:
                with translated():
                    return str(self._store.blocking_key_value_get(key, _LOOK))
            except LostError as error:
                if "DEADLINE_EXCEEDED" not in str(error.__cause__):
                    raise

    def _key(self, number: int) -> str:
        return f"swapdeck/order/{number}"


@contextmanager
def joined(meeting: Meeting | None) -> Iterator[Orders | None]:
    """Meet the other processes, and part from them; to be done before JAX looks for its devices.

    Yields None without a meeting. However the leader's work ends, the partners are told.

    Raises:
        SwapdeckError: they do not meet.
        LostError: in place of what JAX says when another process is gone.
    """
    if meeting is None:
        yield None
        return
    _meet(meeting)
    orders = Orders()
    end = ""
    try:
        with translated():
            yield orders
    except StopRequested:
        raise
    except BaseException as error:
        end = str(error) if isinstance(error, SwapdeckError) else type(error).__name__
        raise
    finally:
        if meeting.leads:
            with contextlib.suppress(LostError):
                orders.send("end", end)


@contextmanager
def translated() -> Iterator[None]:
    """Raise LostError for what JAX raises when it cannot reach another process."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if _STATUS.match(str(error)):
            raise LostError(str(error)) from error
        raise


def _meet(meeting: Meeting) -> None:
    # What names one GPU for a process, as Slurm's number of a task does, was heeded before.
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    own = list(range(len(visible.split(",")))) if visible else None
    try:
        jax.distributed.initialize(
            meeting.coordinator,
            meeting.processes,
            None if meeting.coordinator is None else meeting.process,
            local_device_ids=own,
            initialization_timeout=MEET,
            heartbeat_timeout_seconds=HEARTBEAT,
            shutdown_timeout_seconds=_LEAVE,
        )
    except (RuntimeError, ValueError, TypeError, OSError) as error:
        where = meeting.coordinator or "where the scheduler says"
        first = str(error).partition("\n")[0][:200]
        raise SwapdeckError(
            f"The processes of the training did not meet at {where} within {MEET} s. Start all of "
            f"them with the same command, at an address that all can reach. ({first})"
        ) from error
    if jax.process_index() != meeting.process or jax.process_count() < 2:
        raise SwapdeckError(
            f"JAX finds process {jax.process_index()} of {jax.process_count()} here, and not "
            f"process {meeting.process} of several. Say which it is: --coordinator HOST:PORT "
            "--processes N --process I"
        )
