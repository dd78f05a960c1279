"""The internal operations, from the VM's own tables (vm/ops), wherever this package is installed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from typing import Any

from firmware_host import resources

#: The name that vm/ops gets here: as `vm.ops` it can be imported in a checkout only.
_PACKAGE = "firmware_host_vm_ops"


@cache
def table(name: str) -> Any:
    """A module of vm/ops: "internal" has the operations, "model" what a row of it is."""
    if _PACKAGE not in sys.modules:
        directory = resources.path("vm", "ops")
        spec = importlib.util.spec_from_file_location(
            _PACKAGE, directory / "__init__.py", submodule_search_locations=[str(directory)]
        )
        assert spec is not None
        assert spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules[_PACKAGE] = package
        spec.loader.exec_module(package)
    return importlib.import_module(f"{_PACKAGE}.{name}")


@cache
def operations() -> tuple[Any, ...]:
    """The operations in order of their numbers; the first has number `bias()`."""
    return tuple(table("internal").operations())


@cache
def extended() -> tuple[Any, ...]:
    """The extended operations in order of their numbers."""
    return tuple(table("internal").extended())


@cache
def objects() -> tuple[str, ...]:
    """What `object` does, by number."""
    return tuple(table("internal").OBJECTS)


def bias() -> int:
    """Number of the first operation."""
    return int(table("model").OPERATION_BIAS)


def width(kind: str) -> int:
    """Units that an operand of this kind takes."""
    return int(table("model").OPERAND_KINDS[kind][0])
