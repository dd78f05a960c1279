"""Where the C sources, board descriptions and examples lie: beside the package in a checkout, inside it once installed.

Also where built files go: ./build in a checkout, the user's cache directory otherwise, or wherever WIRQ_CACHE says.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

#: A file that tells the data root from any other directory.
_LANDMARK = Path("vm", "include", "wirq.h")


@cache
def root() -> Path:
    """The directory that holds vm/, boards/, guests/, examples/ and tools/."""
    package = Path(__file__).resolve().parent
    for candidate in (package / "_data", package.parent):
        if (candidate / _LANDMARK).is_file():
            return candidate
    raise FileNotFoundError(f"this wirq was installed without its C sources: no {_LANDMARK} in or beside {package}")


def is_checkout() -> bool:
    """True if the package runs from its own source tree, not from an installed distribution."""
    return root() == Path(__file__).resolve().parent.parent


def path(*parts: str) -> Path:
    """A file or directory of the data, such as path("guests", "c")."""
    return root().joinpath(*parts)


def cache_dir() -> Path:
    """Where built files are kept. The directory exists when this returns."""
    chosen = os.environ.get("WIRQ_CACHE")
    if chosen:
        directory = Path(chosen).absolute()
    elif is_checkout() and os.access(root(), os.W_OK):
        directory = root() / "build"
    else:
        import platformdirs

        directory = Path(platformdirs.user_cache_dir("wirq"))
    directory.mkdir(parents=True, exist_ok=True)
    return directory
