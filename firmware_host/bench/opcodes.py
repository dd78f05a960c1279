"""How many WebAssembly instructions a call executes, counted by the reference engine.

Fuel of wasmtime is one unit an instruction; block, loop, else, end, nop, drop and return are free.
"""

from __future__ import annotations

_PLENTY = 1 << 40


def executed(module: bytes, export: str) -> int | None:
    """Instructions of the second call of an export without parameters; None if wasmtime is not installed."""
    try:
        import wasmtime
    except ImportError:
        return None
    config = wasmtime.Config()
    config.consume_fuel = True
    config.wasm_custom_page_sizes = True
    store = wasmtime.Store(wasmtime.Engine(config))
    store.set_fuel(_PLENTY)
    instance = wasmtime.Instance(store, wasmtime.Module(store.engine, module), [])
    run = instance.exports(store)[export]
    assert isinstance(run, wasmtime.Func)
    run(store)
    before = store.get_fuel()
    run(store)
    return int(before - store.get_fuel())
