"""The VM in this process: a shared library of vm/src, with no firmware, no link and no board between.

For conformance runs that should take seconds. Everything else goes over the link, the `host` board included: a guest
that breaks the VM breaks this process, too.
"""

from firmware_host.inprocess.board import InProcessBoard, InProcessMemory, Pieces

__all__ = ["InProcessBoard", "InProcessMemory", "Pieces"]
