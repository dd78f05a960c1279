"""The firmware's own link in this process: compiled to a shared library, given bytes and the time, without I/O."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from firmware_host import resources
from firmware_host.build import toolchains
from firmware_host.build.generate import frozen_modules_h, link_table_h

HERE = Path(__file__).parent
_STORE = ("upload.c", "sha256.c", "files.c", "store.c", "store_records.c", "store_room.c")
SOURCES = ("link.c", "frame.c", "crc32.c", "receive.c", *_STORE, "commands_files.c")

#: Of these it is counted how often they ask for the figures of the store.
_COUNTED = ("link.c", "commands_files.c")

FACTS = """\
#define BOARD_NAME "harness"
#define BOARD_MAX_FRAME {max_frame}
#define BOARD_WINDOW {window}
#define BOARD_ARENA_SIZE 0x20000
#define BOARD_STORE_SIZE 0
#define BOARD_SOURCE_UART 0
#define BOARD_SOURCE_COUNT 4
#define BOARD_PIN_COUNT 1
"""
BUILD_ID = '#define WIRQ_VERSION "0"\n#define WIRQ_BUILD_ID_BYTES {1, 2, 3, 4, 5, 6, 7, 8}\n'


@cache
def _library(max_frame: int, window: int) -> tuple[Path, tempfile.TemporaryDirectory[str]]:
    """The library, and the directory that is removed when nothing refers to it any more."""
    temporary = tempfile.TemporaryDirectory(prefix="wirq-link-")
    directory = Path(temporary.name)
    (directory / "board_facts.h").write_text(FACTS.format(max_frame=max_frame, window=window))
    (directory / "link_table.h").write_text(link_table_h())
    (directory / "wirq_build_id.h").write_text(BUILD_ID)
    (directory / "frozen_modules.h").write_text(frozen_modules_h(()))
    firmware = resources.path("boards", "firmware")
    compiler = toolchains.find("host")
    command = [
        *(*compiler.command, *compiler.row.flags, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2"),
        *("-fno-sanitize=all", "-fPIC"),
        *(f"-I{path}" for path in (directory, firmware, resources.path("vm", "include"))),
    ]
    counted = []
    for name in _COUNTED:
        counted.append(str(directory / f"{name}.o"))
        renamed = "-Dfiles_space=counted_files_space"
        subprocess.run([*command, renamed, "-c", str(firmware / name), "-o", counted[-1]], check=True)
    sources = [
        HERE / "firmware_link.c",
        HERE / "absent_vm.c",
        *(firmware / name for name in SOURCES if name not in _COUNTED),
    ]
    subprocess.run(
        [*command, "-shared", *map(str, sources), *counted, "-o", str(directory / "link.so")],
        check=True,
    )
    return directory / "link.so", temporary


def fresh_copy(library: Path) -> ctypes.CDLL:
    """The library with a state of its own."""
    with tempfile.NamedTemporaryFile(suffix=".so") as copy:
        shutil.copyfile(library, copy.name)
        return ctypes.CDLL(copy.name)


class FirmwareLink:
    """One board with a state of its own: every one loads its own copy of the library."""

    def __init__(self, max_frame: int = 256, window: int = 3) -> None:
        library, _ = _library(max_frame, window)
        self._c = fresh_copy(library)
        self.clock: Callable[[], float] = lambda: 0.0
        self._buffer = ctypes.create_string_buffer(1 << 16)

    def receive(self, data: bytes) -> None:
        """Bytes come from the UART, and the main loop turns."""
        self.interrupt(data, self.clock())
        self.poll()

    def interrupt(self, data: bytes, now: float) -> None:
        """Bytes come from the UART while the main loop is elsewhere."""
        self._c.test_receive(data, len(data), ctypes.c_uint64(int(now * 1e6)))

    def poll(self) -> None:
        """The main loop turns until there is nothing to do."""
        self._c.test_poll()

    def data_to_send(self) -> bytes:
        """What it has written to the UART."""
        length = self._c.test_take_output(self._buffer, len(self._buffer))
        return self._buffer.raw[:length]

    @property
    def raised(self) -> list[int]:
        """The counts that requests irq.raise brought, in the order they were run."""
        counts = (ctypes.c_uint32 * 256)()
        return list(counts[: self._c.test_raises(counts, 256)])

    @property
    def spaces(self) -> int:
        """How often the figures of the store were looked up, which takes a look at every block."""
        return int(self._c.test_spaces())

    def tell_events(self, count: int) -> None:
        self._c.test_events(count)

    def answer(self) -> None:
        """Ends what app.invoke began."""
        self._c.test_answer()
