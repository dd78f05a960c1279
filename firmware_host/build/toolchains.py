"""The table of toolchains: which compilers make code for which machine, with which flags, and where they come from.

Adding a core is one row of MACHINES. `find` turns a row into a compiler that is really there, or says what to install.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from firmware_host.errors import BuildError, ToolMissing

#: Toolchains in the order in which they are tried for a variant that not all of them can build.
KINDS = ("zig", "gcc", "clang")
DEFAULT_KIND = "zig"
ENVIRONMENT_VARIABLE = "WIRQ_TOOLCHAIN"


@dataclass(frozen=True)
class Row:
    """One way to compile for a machine: the program (zig is found by itself), its flags, and the package to install."""

    program: str
    flags: tuple[str, ...]
    package: str
    link_flags: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    small: tuple[str, ...] = ("-Os",)  # compiles for size
    fast: tuple[str, ...] = ("-O2",)  # compiles the dispatch function
    portable: tuple[str, ...] = ()  # … if dispatch is in C alone (WIRQ_PORTABLE_DISPATCH); empty: as `fast`


@dataclass(frozen=True)
class Machine:
    """A kind of processor, and the toolchains for it. `hosted`: it runs under an operating system, with a C library."""

    name: str
    rows: Mapping[str, Row]
    hosted: bool = False
    pointer_size: int = 4


def _native_triple() -> str:
    """zig's name of this machine. zig brings the C library, so that no system compiler or headers are needed."""
    arch = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if sys.platform == "darwin":
        return f"{arch}-macos"
    if sys.platform.startswith("linux"):
        return f"{arch}-linux-gnu" if platform.libc_ver()[0] == "glibc" else f"{arch}-linux-musl"
    return "native"


#: zig's checks for undefined behaviour are on by default and would call a run-time library.
_ZIG = ("-fno-sanitize=all",)
#: clang keeps a frame pointer on Arm unless told not to: a register and an instruction in every function.
_NO_FRAME_POINTER = ("-fomit-frame-pointer",)
#: zig passes -Os on for -Oz, too; clang's own is a tenth smaller.
#: Passes that copy code or keep more values in registers go, for the VM is smaller without them.
_ZIG_SMALL = (
    *("-Os", "-Xclang", "-Oz"),
    *("-mllvm", "-jump-threading-threshold=1"),
    *("-mllvm", "-phi-node-folding-threshold=1"),
    *("-mllvm", "-disable-lsr"),
    *("-mllvm", "-disable-licm-promotion"),
    *("-mllvm", "-enable-load-pre=false"),
    *("-mllvm", "-enable-shrink-wrap=false"),
)
#: gcc turns copying loops into calls of memcpy, also inside memcpy itself.
_GCC = ("-fno-tree-loop-distribute-patterns",)


#: What gcc still does under -Os although it makes the VM larger, by 250 bytes of 40,500.
_GCC_SMALL = ("-Os", "-fno-move-loop-invariants", "-fno-schedule-insns2")

#: vm/src/dispatch.h's form for Armv7-M leaves gcc nothing to speed up; reordering would only lengthen branches.
_GCC_PINNED = ("-Os", "-fno-reorder-blocks")
#: For computed gotos: at -Os gcc sends all handlers through one jump, at -O2 it hands on copies of registers.
#: -fno-tree-forwprop leaves the step of ip and the load of the next operation for one instruction.
#: -fno-tree-coalesce-vars does so behind the distance of a branch; -fpeephole2 makes pairs of cells one access.
_GCC_PORTABLE = (
    "-O1",
    "-fexpensive-optimizations",
    "-fno-tree-forwprop",
    "-ftree-vrp",
    "-fcse-follow-jumps",
    "-frerun-cse-after-loop",
    "-fpeephole2",
    "-fno-tree-coalesce-vars",
)


def _arm(name: str, gcc_cpu: str, zig_cpu: str, fpu: str | None = None) -> Machine:
    """`fpu`: gcc's name of the floating-point unit; without one floats are computed in software."""
    gcc_float = ("-mfloat-abi=hard", f"-mfpu={fpu}") if fpu else ("-mfloat-abi=soft",)
    gcc = ("-mthumb", f"-mcpu={gcc_cpu}", *gcc_float)
    gcc_fast = ("-O2",) if name == "cortex-m0" else _GCC_PINNED
    zig_target = "thumb-freestanding-eabihf" if fpu else "thumb-freestanding-eabi"
    zig = ("-target", zig_target, f"-mcpu={zig_cpu}", *_NO_FRAME_POINTER)
    return Machine(
        name,
        {
            "zig": Row("zig", zig + _ZIG, "ziglang", small=_ZIG_SMALL),
            "gcc": Row(
                "arm-none-eabi-gcc",
                gcc + _GCC,
                "gcc-arm-none-eabi",
                ("-nostdlib", "-nostartfiles"),
                ("-lgcc",),
                small=_GCC_SMALL,
                fast=gcc_fast,
                portable=_GCC_PORTABLE,
            ),
        },
    )


def _riscv(name: str, cpu: str) -> Machine:
    gcc = (f"-march={name}", "-mabi=ilp32", "-mcmodel=medany")
    zig = ("-target", "riscv32-freestanding", f"-mcpu={cpu}", "-mcmodel=medany", *_NO_FRAME_POINTER)
    return Machine(
        name,
        {
            "zig": Row("zig", zig + _ZIG, "ziglang", small=_ZIG_SMALL),
            "gcc": Row(
                "riscv64-unknown-elf-gcc",
                gcc + _GCC,
                "gcc-riscv64-unknown-elf",
                ("-nostdlib", "-nostartfiles"),
                ("-lgcc",),
                fast=_GCC_PINNED,
            ),
        },
    )


def _host() -> Machine:
    # timer_create is in librt where the C library is older than glibc 2.34.
    libraries = ("-lrt",) if sys.platform.startswith("linux") else ()
    return Machine(
        "host",
        {
            "zig": Row("zig", ("-target", _native_triple(), *_ZIG), "ziglang", libraries=libraries),
            "gcc": Row("gcc", _GCC, "gcc libc6-dev", libraries=libraries),
            "clang": Row("clang", (), "clang libc6-dev", libraries=libraries),
        },
        hosted=True,
        pointer_size=8 if sys.maxsize > 1 << 32 else 4,
    )


MACHINES: Mapping[str, Machine] = {
    machine.name: machine
    for machine in (
        _host(),
        _arm("cortex-m0", "cortex-m0", "cortex_m0"),
        _arm("cortex-m3", "cortex-m3", "cortex_m3"),
        _arm("cortex-m4", "cortex-m4", "cortex_m4"),
        _arm("cortex-m4f", "cortex-m4", "cortex_m4+vfp4d16sp", fpu="fpv4-sp-d16"),
        # Without the optional DSP instructions: the emulated cores, and many real ones, do not have them.
        _arm("cortex-m33", "cortex-m33+nodsp", "cortex_m33-dsp"),
        _riscv("rv32imac", "baseline_rv32-d-f"),
    )
}


@dataclass(frozen=True)
class Compiler:
    """A compiler that is there, for one machine."""

    kind: str
    machine: Machine
    command: tuple[str, ...]
    row: Row

    @property
    def program(self) -> Path:
        return Path(self.command[0])

    def identity(self) -> str:
        """Kind and version, such as "gcc 12.2.1"."""
        return f"{self.kind} {_version(self.command)}"


@cache
def zig() -> Path:
    """The zig program of the PyPI package ziglang, or one on PATH. Raises ToolMissing."""
    try:
        import ziglang
    except ImportError:
        found = shutil.which("zig")
    else:
        assert ziglang.__file__ is not None
        found = shutil.which("zig", path=str(Path(ziglang.__file__).parent))
    if found is None:
        raise ToolMissing("the compiler zig is not installed", hint="python -m pip install ziglang")
    return Path(found)


@cache
def _version(command: tuple[str, ...]) -> str:
    program = Path(command[0])
    argument = "version" if program.stem == "zig" else "-dumpfullversion" if "gcc" in program.name else "-dumpversion"
    try:
        done = subprocess.run([program, argument], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolMissing(f"{program.name} is there but does not run: {error}") from error
    return done.stdout.strip()


def install_hint(row: Row) -> str:
    """The command that installs what a row needs."""
    if row.program == "zig":
        return f"python -m pip install {row.package}"
    return f"sudo apt-get install --no-install-recommends {row.package}"


def find(machine_name: str, kind: str | None = None) -> Compiler:
    """The compiler of that kind for that machine; without a kind, what WIRQ_TOOLCHAIN says, else zig.

    Raises ToolMissing, naming the program and the package to install, and BuildError for a kind that does not exist.
    """
    machine = MACHINES[machine_name]
    chosen = kind or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT_KIND
    if chosen not in KINDS:
        raise BuildError(f"there is no toolchain {chosen!r}", hint=f"toolchains: {', '.join(KINDS)}")
    row = machine.rows.get(chosen)
    if row is None:
        raise BuildError(
            f"{chosen} does not build for {machine_name}", hint=f"toolchains for it: {', '.join(machine.rows)}"
        )
    if row.program == "zig":
        return Compiler(chosen, machine, (str(zig()), "cc"), row)
    program = shutil.which(row.program)
    if program is None:
        raise ToolMissing(
            f"{row.program}, the {chosen} compiler for {machine_name}, is not installed; nothing was built",
            hint=f"{install_hint(row)}    (or use --toolchain zig)",
        )
    return Compiler(chosen, machine, (program,), row)
