"""Files on a board: modules and whatever else is to survive a reset, if the board has flash for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_host import guest, sent
from firmware_host.errors import BoardError, NoSpace
from firmware_host.link import table
from firmware_host.names import ModuleNames
from firmware_host.status import code
from firmware_host.upload import Progress, send

if TYPE_CHECKING:
    from firmware_host.board import Board

#: Suffixes of files that are modules, or become ones: they are stored without what only tools need.
MODULE_SUFFIXES = (".wasm", *guest.C_SUFFIXES)

_STORE_NAMES = {number: name for name, number in table.STORES.items()}

#: Seconds: flash is erased before a file is written, and a large sector takes its time.
_ERASE_TIMEOUT = 60.0


@dataclass(frozen=True)
class FileInfo:
    """A file on the board. `sha256` in hex; `frozen`: it is part of the firmware; `autostart`: it runs at boot."""

    name: str
    size: int
    sha256: str
    autostart: bool
    frozen: bool


@dataclass(frozen=True)
class StoreSpace:
    """Room for files, in bytes. `kind` is flash, file, or ram, which a reset empties; `used` includes what files take
    beside their contents; `largest` is the largest file that there is room for now; `code`: what of `used` is lowered
    code of modules, which gives way when a file needs the room."""

    kind: str
    size: int
    used: int
    largest: int
    code: int

    @property
    def lasting(self) -> bool:
        return self.kind != "ram"


@dataclass(frozen=True)
class Stored:
    """What `put` did: the file as it is on the board, what was there before, and whether anything was sent.
    `resumed_at` bytes were left there by an upload that was cut off, and not sent again."""

    file: FileInfo
    before: FileInfo | None
    sent: bool
    resumed_at: int = 0


class Files:
    """`board.files`. Every change is whole or has not happened, whenever the power fails, but for `put` with `force` of
    what is there already: that is removed before it is written anew."""

    def __init__(self, board: Board) -> None:
        self._board = board

    @property
    def resent(self) -> int:
        """Frames of this session that had to be sent again."""
        return self._board.resent

    def __iter__(self) -> Iterator[FileInfo]:
        """All files: those of the store, then frozen modules."""
        position = 0
        while True:
            try:
                values = self._board.ask("files.list", position=position)
            except BoardError as error:
                if error.code != code("UNKNOWN_FILE"):
                    raise
                return
            position = values["next"]
            flags = {name: bool(values["flags"] & bit) for name, bit in table.FILE_FLAGS.items()}
            yield FileInfo(values["name"], values["size"], values["sha256"].hex(), **flags)

    def find(self, name: str) -> FileInfo | None:
        """The file of that name, if there is one."""
        return next((file for file in self if file.name == name), None)

    def put(
        self,
        source: Path | str | bytes,
        name: str | None = None,
        progress: Progress | None = None,
        *,
        force: bool = False,
    ) -> Stored:
        """Writes a file into the board's store, in place of one of the same name. A module is stored without custom
        sections, C is compiled first; bytes need a `name`. What the board has already is not sent unless `force`.

        Raises NoSpace if it does not fit beside the one it replaces, BadModule, BuildError.
        """
        content = prepared(source, name)
        name, data = content.name, content.data
        before = self.find(name)
        digest = hashlib.sha256(data)
        if before is not None and before.frozen:
            before = None  # a file of the store stands in front of a frozen one
        if before is not None and before.sha256 == digest.hexdigest() and before.size == len(data):
            if not force:
                return Stored(before, before, False)
            self.remove(name)
        names = ModuleNames(name)
        try:
            offset = self._begin(name, data, digest.digest(), names)
        except NoSpace as error:
            if error.code == code("STORE_FULL"):
                raise self._full(name, len(data), error) from error
            raise
        send(self._board.connection, self._board.info.max_frame, data, offset, progress)
        self._board.ask_slow("files.commit", _ERASE_TIMEOUT, names)
        content.remember()
        return Stored(FileInfo(name, len(data), digest.hexdigest(), False, False), before, True, offset)

    def _begin(self, name: str, data: bytes, digest: bytes, names: ModuleNames) -> int:
        values = self._board.ask_slow("files.begin", _ERASE_TIMEOUT, names, size=len(data), sha256=digest, name=name)
        return int(values["offset"])

    def _full(self, name: str, size: int, error: NoSpace) -> NoSpace:
        space = self.space()
        return NoSpace(
            f"{name} does not fit the board's store: it has {size} bytes, and the largest file that fits now has "
            f"{space.largest}; {space.used} of {space.size} bytes are in use; nothing was changed",
            hint="wirq ls lists the files, wirq rm NAME removes one",
            code=error.code,
            size=size,
            largest=space.largest,
        )

    def get(self, name: str, progress: Progress | None = None) -> bytes:
        """The contents of a file. Raises BoardError if there is none of that name."""
        file = self.find(name)
        if file is None:
            raise self._unknown(name)
        data = b""
        while len(data) < file.size:
            part = self._board.ask("files.read", offset=len(data), name=name)["data"]
            if not part:
                break
            data += part
            if progress is not None:
                progress(len(data), file.size)
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise BoardError(f"{name} was changed while it was read", hint="read it again")
        return data

    def _unknown(self, name: str) -> BoardError:
        there = ", ".join(file.name for file in self) or "no files"
        return BoardError(
            f"{self._board.info.name} has no file {name}", hint=f"it has: {there}", code=code("UNKNOWN_FILE")
        )

    def remove(self, name: str) -> None:
        """Removes a file of the store. Raises BoardError if there is none of that name."""
        file = self.find(name)
        if file is None:
            raise self._unknown(name)
        if file.frozen:
            raise BoardError(f"{name} is frozen into the firmware and stays", hint="flash another firmware")
        self._board.ask("files.remove", ModuleNames(name), name=name)

    def space(self) -> StoreSpace:
        """How much room there is, and whether it lasts."""
        values = self._board.ask("files.space")
        kind = _STORE_NAMES.get(values["kind"], f"store {values['kind']}")
        return StoreSpace(kind, values["size"], values["used"], values["largest"], values["code"])

    @property
    def autostart(self) -> FileInfo | None:
        """The module that the board starts when it boots."""
        return next((file for file in self if file.autostart), None)

    def set_autostart(self, name: str | None) -> None:
        """Has the board start this module whenever it boots; None: none, not even a frozen one."""
        if name and self.find(name) is None:
            raise self._unknown(name)
        self._board.ask_slow("files.set_autostart", _ERASE_TIMEOUT, name=name or "")


@dataclass(frozen=True)
class Content:
    """What `put` would store, and under which name; `module`: if it is a module, the same with its names."""

    name: str
    data: bytes
    module: bytes | None = None

    def remember(self) -> None:
        """Keeps a module's names on this computer, for when the board tells of it by its hash."""
        if self.module is not None:
            sent.remember(self.name, hashlib.sha256(self.data).hexdigest(), self.module)


def prepared(source: Path | str | bytes, name: str | None = None) -> Content:
    """What is stored of a source. Raises BadModule, BuildError."""
    if isinstance(source, bytes):
        if not name:
            raise ValueError("bytes need a name")
        return Content(name, source)
    path = Path(source)
    if path.suffix in MODULE_SUFFIXES:
        file = guest.load(path)
        return Content(name or file.module_name, file.stripped, file.module.data)
    return Content(name or path.name, path.read_bytes())


def contents(source: Path | str | bytes, name: str | None = None) -> tuple[str, bytes]:
    """What `put` would store, and under which name."""
    content = prepared(source, name)
    return content.name, content.data
