"""Builds a board's firmware: which sources, which flags, which linker script, and when nothing needs to be done.

The image lies in CACHE/firmware/BOARD-TOOLCHAIN…/. The first question, "has anything changed?", is answered from file
times alone in a few milliseconds; a change then costs only what it touches (firmware_host.build.incremental).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Self

from firmware_host import resources
from firmware_host.announce import announce
from firmware_host.boards import BoardFacts, load_board
from firmware_host.build import boot_checksum, generate, toolchains
from firmware_host.build.incremental import Unit, compile_units, content_hash, exclusively, run_tool, write_if_changed
from firmware_host.errors import BuildError, ToolMissing

DEFAULT_JOBS = 2

WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
_COMMON = ("-std=c11", *WARNINGS, "-g", "-ffunction-sections", "-fdata-sections", "-fno-common")
_FREESTANDING = ("-ffreestanding", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables")

#: The one file that is compiled for speed; everything else for size.
DISPATCH_FILE = "interpret.c"

#: Variants that exist for every hosted board, with the toolchains that can build them.
SANITIZE = "sanitize"
_SANITIZE_FLAGS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
_SANITIZE_KINDS = ("gcc", "clang")

_INPUT_SUFFIXES = frozenset((".c", ".h", ".S", ".ld", ".toml", ".py"))


@dataclass(frozen=True)
class FrozenModule:
    """A module that becomes part of the image."""

    name: str
    sha256: str
    data: bytes = field(repr=False)

    @classmethod
    def of(cls, name: str, data: bytes) -> Self:
        return cls(name, hashlib.sha256(data).hexdigest(), data)


@dataclass(frozen=True)
class Options:
    """What of a build can be chosen."""

    board: str
    toolchain: str | None = None
    variant: str | None = None
    define: Mapping[str, str] = field(default_factory=dict)
    frozen: tuple[FrozenModule, ...] = ()  # the first one is started at boot
    machine: str | None = None  # code for another processor than the board's, which must understand it: for counting

    def directory_name(self, kind: str) -> str:
        """Builds with different options do not overwrite each other."""
        parts = [self.board, kind]
        if self.variant:
            parts.append(self.variant)
        if self.frozen:
            parts.append(hashlib.sha256(repr(self.frozen).encode()).hexdigest()[:8])
        if self.machine:
            parts.append(self.machine)
        if self.define:
            parts.append(hashlib.sha256(json.dumps(dict(self.define), sort_keys=True).encode()).hexdigest()[:8])
        return "-".join(parts)


@dataclass(frozen=True)
class Image:
    """A built firmware: the ELF file, what it was made from, and whether anything had to be done."""

    elf: Path
    board: BoardFacts
    toolchain: str
    directory: Path
    compiled: tuple[str, ...]

    @property
    def objects(self) -> Path:
        return self.directory / "obj"

    @property
    def headers(self) -> Path:
        return self.directory / "generated"

    @property
    def build_id(self) -> str:
        """What the firmware says of itself in its hello, in hexadecimal."""
        text = (self.headers / "wirq_build_id.h").read_text()
        return "".join(re.findall(r"0x([0-9a-f]{2})\b", text.partition("WIRQ_BUILD_ID_BYTES")[2]))


_DEFINED: ContextVar[Mapping[str, str]] = ContextVar("defined", default=MappingProxyType({}))


@contextmanager
def defined(define: Mapping[str, str]) -> Iterator[None]:
    """Within it, firmware() builds with these macros: for commands that need firmware of their own."""
    token = _DEFINED.set(define)
    try:
        yield
    finally:
        _DEFINED.reset(token)


def firmware(board: str, toolchain: str | None = None, variant: str | None = None) -> Path:
    """The ELF file of a board's firmware, built first if it is missing or out of date.

    Raises BoardNotFound, BuildError with the compiler's messages, or ToolMissing naming the program to install.
    """
    return build(Options(board, toolchain, variant, _DEFINED.get())).elf


def build(options: Options, jobs: int = DEFAULT_JOBS) -> Image:
    """Like firmware(), with every option, and tells what was done."""
    board = load_board(options.board)
    if options.machine:
        board = replace(board, machine=options.machine)
    compiler = _compiler(board, options)
    directory = resources.cache_dir() / "firmware" / options.directory_name(compiler.kind)
    elf = directory / (f"wirq-{board.name}" + ("" if compiler.machine.hosted else ".elf"))
    stamp = _Stamp(directory / "stamp.json", _input_directories(board), _fixed_key(options, compiler))
    if elf.is_file() and stamp.holds():
        return Image(elf, board, compiler.kind, directory, ())
    with exclusively(directory):
        if elf.is_file() and stamp.holds():  # another process has built it meanwhile
            return Image(elf, board, compiler.kind, directory, ())
        before = stamp.now()
        announce(f"building the firmware of {board.name}, which is done once …")
        compiled = _build(board, compiler, options, directory, elf, jobs)
        stamp.write(before)
    return Image(elf, board, compiler.kind, directory, tuple(unit.object_name for unit in compiled))


def _compiler(board: BoardFacts, options: Options) -> toolchains.Compiler:
    if options.variant != SANITIZE or options.toolchain:
        return toolchains.find(board.machine, options.toolchain)
    missing: ToolMissing | None = None
    for kind in _SANITIZE_KINDS:
        try:
            return toolchains.find(board.machine, kind)
        except ToolMissing as error:
            missing = missing or error
    assert missing is not None
    raise missing


# ---- is there anything to do?


def _input_directories(board: BoardFacts) -> list[Path]:
    package = Path(__file__).resolve().parent
    names = [
        ("vm", "include"),
        ("vm", "src"),
        ("vm", "ops"),
        ("boards", "firmware"),
        ("boards", "firmware", "freestanding"),
    ]
    own = {board.directory, *((board.directory / name).resolve().parent for name in board.sources)}
    return [*(resources.path(*parts) for parts in names), *sorted(own), package, package.parent / "link"]


def _inputs(directories: Sequence[Path]) -> Iterator[Path]:
    for directory in directories:
        if directory.is_dir():
            for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
                if Path(entry.name).suffix in _INPUT_SUFFIXES:
                    yield Path(entry.path)


def _fixed_key(options: Options, compiler: toolchains.Compiler) -> str:
    program = compiler.program.stat()
    return json.dumps([repr(options), compiler.command, program.st_mtime_ns, program.st_size])


class _Stamp:
    """Remembers times and sizes of all inputs of a finished build."""

    def __init__(self, file: Path, directories: Sequence[Path], key: str) -> None:
        self._file = file
        self._directories = directories
        self._key = key

    def now(self) -> str:
        rows = []
        for path in _inputs(self._directories):
            stat = path.stat()
            rows.append([str(path), stat.st_mtime_ns, stat.st_size])
        return json.dumps([self._key, rows])

    def holds(self) -> bool:
        with contextlib.suppress(OSError):
            return self._file.read_text() == self.now()
        return False

    def write(self, text: str) -> None:
        write_if_changed(self._file, text)


# ---- doing it


def _build(
    board: BoardFacts, compiler: toolchains.Compiler, options: Options, directory: Path, elf: Path, jobs: int
) -> list[Unit]:
    root = resources.root()
    headers, objects = directory / "generated", directory / "obj"
    headers.mkdir(parents=True, exist_ok=True)
    generate.operations(headers)
    flags = _flags(board, compiler, options)
    frozen = [(module.name, module.data) for module in options.frozen]
    generate.write_headers(board, _build_id(board, compiler, [*flags, *map(repr, options.frozen)]), headers, frozen)
    command = (*compiler.command, *compiler.row.flags, *flags)
    units = [
        Unit(source, name, (*command, *_optimisation(source, compiler, options), *include))
        for source, name, include in _sources(board, headers)
    ]
    compiled = compile_units(units, objects, cwd=root, identity=compiler.identity(), jobs=jobs)
    for stale in {path.name for path in objects.glob("*.o")} - {unit.object_name for unit in units}:
        (objects / stale).unlink()
    _link(board, compiler, options, [unit.object_name for unit in units], objects, elf)
    if not compiler.machine.hosted:
        from firmware_host.build import hexfile

        elf.with_suffix(".hex").write_text(hexfile.from_elf(elf))
        for way in board.flashers:
            if way.driver == "uf2":
                from firmware_host.flash.firmware import Firmware

                elf.with_suffix(".uf2").write_bytes(Firmware.read(elf).uf2(way.family))
    return compiled


def _sources(board: BoardFacts, headers: Path) -> Iterator[tuple[Path, str, tuple[str, ...]]]:
    """Every C file of the firmware, its object's name and its include path.

    The object's prefix tells the linker script and `wirq size` which part it belongs to.
    """
    vm, firmware_directory = resources.path("vm"), resources.path("boards", "firmware")
    public = (f"-I{headers}", f"-I{vm / 'include'}")
    seen: dict[str, Path] = {}
    parts: list[tuple[str, list[Path], tuple[str, ...]]] = [
        ("vm", sorted((vm / "src").glob("*.c")), (*public, f"-I{vm / 'src'}")),
        ("fw", sorted(firmware_directory.glob("*.c")), (*public, f"-I{firmware_directory}")),
        (
            "board",
            [(board.directory / name).resolve() for name in board.sources],
            (*public, f"-I{firmware_directory}", f"-I{board.directory}"),
        ),
    ]
    for prefix, files, include in parts:
        if not files:
            raise BuildError(f"there are no C files for the {prefix} part of {board.name}'s firmware")
        for file in files:
            name = f"{prefix}-{file.stem}.o"
            if name in seen:
                raise BuildError(
                    f"{file.name} and {seen[name].name} would both become {name}", hint="rename one of them"
                )
            seen[name] = file
            yield file, name, include


def _optimisation(source: Path, compiler: toolchains.Compiler, options: Options) -> tuple[str, ...]:
    row = compiler.row
    if source.name != DISPATCH_FILE:
        return row.small
    return row.portable if row.portable and "WIRQ_PORTABLE_DISPATCH" in options.define else row.fast


def _flags(board: BoardFacts, compiler: toolchains.Compiler, options: Options) -> tuple[str, ...]:
    flags = [*_COMMON, f"-ffile-prefix-map={resources.root()}=."]
    if not compiler.machine.hosted:
        # The VM includes string.h; without a C library that is the firmware's own.
        flags += [*_FREESTANDING, "-isystem", str(resources.path("boards", "firmware", "freestanding"))]
    define: dict[str, object] = {}
    if board.store is None:
        define["WIRQ_CODE_MEMORY"] = 0  # there is no flash for lowered code
    if options.variant == SANITIZE:
        if not compiler.machine.hosted or compiler.kind not in _SANITIZE_KINDS:
            raise BuildError(
                f"the {SANITIZE} variant needs a hosted board and one of {', '.join(_SANITIZE_KINDS)}, "
                f"not {board.name} with {compiler.kind}"
            )
        flags += _SANITIZE_FLAGS
    elif options.variant:
        variant = board.variant(options.variant)
        define |= {f"BOARD_{key}": value for key, value in variant.define.items()}
        flags += variant.flags
    define |= options.define
    flags += [f"-D{name}={value}" for name, value in sorted(define.items())]
    return tuple(flags)


def _build_id(board: BoardFacts, compiler: toolchains.Compiler, flags: Sequence[str]) -> bytes:
    """8 bytes over everything the firmware is made from; the same on every machine."""
    root = str(resources.root())
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parent
    for path in _inputs(_input_directories(board)):
        base = package.parent if path.is_relative_to(package.parent) else resources.root()
        name = path.relative_to(base) if path.is_relative_to(base) else Path(path.name)
        digest.update(f"{name.as_posix()}={content_hash(path)}\n".encode())
    row = compiler.row
    for text in (compiler.identity(), *row.flags, *row.small, *row.fast, *row.link_flags, *row.libraries, *flags):
        digest.update(f"{text.replace(root, '.')}\n".encode())
    return digest.digest()[:8]


def entry_symbol(linker_script: Path) -> str | None:
    """The symbol of the script's ENTRY(…)."""
    found = re.search(r"\bENTRY\s*\(\s*(\w+)\s*\)", linker_script.read_text())
    return found[1] if found else None


def linker_script(file: Path) -> str:
    """A board's linker script with what it includes of boards/firmware: zig's linker looks for that nowhere."""
    shared = resources.path("boards", "firmware")
    return re.sub(r"(?m)^INCLUDE (\w+\.ld)$", lambda found: (shared / found[1]).read_text(), file.read_text())


def _link(
    board: BoardFacts,
    compiler: toolchains.Compiler,
    options: Options,
    objects: Sequence[str],
    directory: Path,
    elf: Path,
) -> None:
    # Objects are named without a directory: a linker script's *vm-*.o must not match the name of a directory.
    command = [*compiler.command, *compiler.row.flags, *compiler.row.link_flags, "-g", "-Wl,--gc-sections"]
    if options.variant == SANITIZE:
        command += _SANITIZE_FLAGS
    if board.linker_script:
        script = directory / "board.ld"
        write_if_changed(script, linker_script(board.linker_script))
        command += [f"-Wl,-T,{script}"]
        if entry := entry_symbol(board.linker_script):
            command.append(f"-Wl,--entry={entry}")  # zig passes one of its own, which would win over the script's
    temporary = elf.with_name(elf.name + ".new")
    command += [*objects, *compiler.row.libraries, *(f"-l{name}" for name in board.libraries), "-o", str(temporary)]
    run_tool(command, cwd=directory, what=f"linking {elf.name}")
    if board.boot_checksum == "rp2040":
        boot_checksum.sign_rp2040(temporary)
    temporary.replace(elf)


def clean() -> None:
    """Removes everything that was built."""
    shutil.rmtree(resources.cache_dir() / "firmware", ignore_errors=True)
