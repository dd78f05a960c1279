"""Where in the source a board is: from offsets of its internal code, through the module, to files, lines and names.

A board keeps no map. It tells function and offset in the code that its loader made; the same loader, built for this
computer, makes the same code of the same module and tells what each operation was made from.
"""

from __future__ import annotations
