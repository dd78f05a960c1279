"""What a module is made of, in the words of the specification: value types, function types, imports, exports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

#: Value types by their byte in the binary format.
VALUE_TYPES = {
    0x7F: "i32",
    0x7E: "i64",
    0x7D: "f32",
    0x7C: "f64",
    0x7B: "v128",
    0x70: "funcref",
    0x6F: "externref",
    0x69: "exnref",
}

#: The same the other way round.
VALUE_TYPE_BYTES = {name: byte for byte, name in VALUE_TYPES.items()}

#: Bytes in a page of linear memory where a module says nothing else.
DEFAULT_PAGE_SIZE = 65536


class Kind(IntEnum):
    """What an import or export is."""

    FUNCTION = 0
    TABLE = 1
    MEMORY = 2
    GLOBAL = 3
    TAG = 4


class SectionId(IntEnum):
    """Sections of a module, by their number."""

    CUSTOM = 0
    TYPE = 1
    IMPORT = 2
    FUNCTION = 3
    TABLE = 4
    MEMORY = 5
    GLOBAL = 6
    EXPORT = 7
    START = 8
    ELEMENT = 9
    CODE = 10
    DATA = 11
    DATA_COUNT = 12
    TAG = 13


@dataclass(frozen=True)
class FunctionType:
    """Parameters and results, each the name of a value type such as "i32"."""

    parameters: tuple[str, ...] = ()
    results: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"[{' '.join(self.parameters)}] -> [{' '.join(self.results)}]"


@dataclass(frozen=True)
class Limits:
    """Size at least and at most; `maximum` None means without bound."""

    minimum: int
    maximum: int | None = None
    shared: bool = False
    wide: bool = False  # addresses of 64 bits


@dataclass(frozen=True)
class MemoryType:
    """A linear memory: limits in pages, and the bytes in a page."""

    limits: Limits
    page_size: int = DEFAULT_PAGE_SIZE

    @property
    def minimum_bytes(self) -> int:
        return self.limits.minimum * self.page_size


@dataclass(frozen=True)
class TableType:
    """A table: the type of its elements and its limits."""

    element: str
    limits: Limits


@dataclass(frozen=True)
class GlobalType:
    """A global: the type of its value and whether code may change it."""

    value: str
    mutable: bool = False


ExternType = FunctionType | TableType | MemoryType | GlobalType


@dataclass(frozen=True)
class Import:
    """What a module asks for: `type` is its declared type."""

    module: str
    name: str
    kind: Kind
    type: ExternType


@dataclass(frozen=True)
class Export:
    """What a module offers: `index` counts in the index space of its kind, imports first."""

    name: str
    kind: Kind
    index: int


@dataclass(frozen=True)
class Section:
    """One section as it lies in the file: `start` is the offset of its id byte, `body` of what follows its size.

    Sizes may be written in more bytes than they need, so offsets are measured, never worked out.
    """

    id: int
    start: int
    body: int
    end: int
    name: str = ""  # of a custom section

    @property
    def size(self) -> int:
        return self.end - self.body


@dataclass(frozen=True)
class Code:
    """The body of one function of the module: `start` is the offset of its locals, `end` behind its last `end`."""

    start: int
    end: int
