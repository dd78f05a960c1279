#!/usr/bin/env python3
"""Writes the instruction tables as Markdown, for docs/reference/operations.md: python vm/ops/document.py

The tables are the documentation's only source: what the page says of an operation is the row that its handler is made of.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

if __package__ in (None, ""):  # run as a program: the package is the folder above
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    __package__ = "ops"

from . import internal, wasm
from .model import OPERAND_KINDS, OPERATION_BIAS, Operation


def row(*cells: object) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |\n"


def table(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """A Markdown table."""
    return row(*header) + "|" + "---|" * len(header) + "\n" + "".join(row(*cells) for cells in rows)


def meaning(operation: Operation) -> str:
    """The C statements of a row without the step to the next operation, which the column of units tells already."""
    code = operation.code.removesuffix(f"NEXT({operation.length});").strip()
    return f"`{code}`" if code else ""


def operation_rows(operations: Iterable[tuple[int, Operation]]) -> Iterator[tuple[object, ...]]:
    for number, operation in operations:
        yield number, f"`{operation.name}`", " ".join(operation.operands), operation.length, meaning(operation)


OPERATION_HEADER = ("number", "operation", "operands", "units", "meaning")


def summary() -> str:
    """How many operations there are, and what their handler table costs."""
    operations, extended = internal.operations(), internal.extended()
    control = sum(operation.control for operation in operations)
    return (
        f"{len(operations)} operations, {control} of them control operations (at most "
        f"{internal.MAX_CONTROL_OPERATIONS}); handler table {4 * len(operations):,} bytes of RAM on a 32-bit chip; "
        f"{len(extended)} extended operations, which have no entry in it.\n"
    )


def operand_kinds() -> str:
    """The letters of the column `operands`."""
    return table(
        ("letter", "units", "operand"), ((f"`{k}`", units, text) for k, (units, text) in OPERAND_KINDS.items())
    )


def operations(control: bool) -> str:
    """The operations of the handler table: control operations, or the others."""
    numbered = enumerate(internal.operations(), OPERATION_BIAS)
    return table(OPERATION_HEADER, operation_rows((n, o) for n, o in numbered if o.control == control))


def extended() -> str:
    """The operations behind `extended2` and `extended3`. Their rows leave out unit 1, which is their number."""
    rows = ((n, f"`{o.name}`", " ".join(o.operands), f"`{o.code}`") for n, o in enumerate(internal.extended()))
    return table(("number", "operation", "operands", "meaning"), rows)


def instructions() -> str:
    """The numeric instructions of WebAssembly and what lowering makes of them."""
    rows = []
    for i in wasm.numeric():
        opcode = f"FC {i.opcode & 0xFF:02X}" if i.opcode > 0xFF else f"{i.opcode:02X}"
        made_of = f"{i.how.lower()} `{i.argument}`" if i.argument else i.how.lower()
        rows.append(
            (
                opcode,
                f"`{i.name}`",
                f"{' '.join(i.parameters)} → {i.result}",
                made_of + (", operands swapped" if i.swap else ""),
            )
        )
    return table(("opcode", "instruction", "type", "lowered as"), rows)


#: Sections of the page by name, each made of the tables when it is asked for.
SECTIONS = {
    "summary": summary,
    "operand-kinds": operand_kinds,
    "control-operations": lambda: operations(control=True),
    "operations": lambda: operations(control=False),
    "extended-operations": extended,
    "instructions": instructions,
}


def main() -> int:
    for name, make in SECTIONS.items():
        sys.stdout.write(f"## {name.replace('-', ' ').capitalize()}\n\n{make()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
