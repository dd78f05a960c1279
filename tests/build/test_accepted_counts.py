"""No count of the benchmark grows by more than 1 % unnoticed: who means it changes benchmarks/accepted.json as well."""

from __future__ import annotations

import pytest

from firmware_host.bench import accepted, suite, tables, whole


def test_growth_beyond_the_tolerance_is_named() -> None:
    before = {"fib": 1000.0, "load": 200.0, "call": 16.0, "gone": 1.0}
    now = {"fib": 1010.0, "load": 203.0, "call": 12.0, "new": 1.0}
    assert accepted.grown(now, before) == [
        "gone: is measured no more",
        "load: 200 accepted, now 203",
        "new: is not in the file yet",
    ]


@pytest.mark.slow
def test_no_count_has_grown_since_it_was_accepted() -> None:
    now = whole.measure(suite.kernels(), toolchain=whole.default_toolchain(), with_host=False)
    assert not now.failed
    before = accepted.read()
    if accepted.compilers(now) != before["compilers"]:
        pytest.skip(
            f"SKIPPED: counts were NOT compared: accepted with {before['compilers']}, here is {accepted.compilers(now)}"
        )
    lines = accepted.grown(accepted.figures(now), before["figures"])
    way_out = "if it is meant: make bench BENCH_ARGS=--accept, and commit the file"
    assert not lines, "\n".join(["these have grown by more than 1 %:", *lines, way_out])
    for figure in tables.figures(now):
        assert figure.value is None or figure.value >= 0, figure.name
    assert now.interruptibility_per_dispatch == 0
    assert 1000 < now.mechanisms.large_module_code_bytes < 2 * now.mechanisms.large_module_bytes
