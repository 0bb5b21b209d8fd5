"""A trace names the operations of a step and how long each took."""

from engine.bench import rehearsal
from engine.bench.step import prepare
from engine.bench.trace import _operations, trace
from engine.nets import presets


def test_the_operations_of_a_step_are_named_and_timed(monkeypatch):
    monkeypatch.setitem(presets.PRESETS, rehearsal.TINY.name, rehearsal.TINY)
    traced = trace(prepare(rehearsal.TINY.name, 2, steps=1), calls=2)
    assert traced.seconds > 0
    names = [one.name for one in traced.operations]
    assert any("fusion" in name for name in names) and any("dot" in name for name in names)
    seconds = [one.seconds for one in traced.operations]
    assert seconds == sorted(seconds, reverse=True) and seconds[-1] >= 0


def test_what_the_runtime_and_python_do_is_no_operation():
    thread = {"ph": "M", "name": "thread_name", "pid": 1}
    events = [
        {**thread, "tid": 1, "args": {"name": "python"}},
        {**thread, "tid": 2, "args": {"name": "tf_XLAEigen"}},
        {"ph": "X", "pid": 1, "tid": 1, "name": "first_call", "dur": 9000},
        {"ph": "X", "pid": 1, "tid": 2, "name": "ThunkExecutor::Execute", "dur": 8000},
        {"ph": "X", "pid": 1, "tid": 2, "name": "dot.1", "dur": 2000},
        {"ph": "X", "pid": 1, "tid": 2, "name": "dot.1", "dur": 4000},
    ]
    [only] = _operations(events, calls=2)
    assert (only.name, only.seconds, only.times) == ("dot.1", 0.003, 1)
