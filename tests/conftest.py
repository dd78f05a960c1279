"""What holds for all tests: the `host` board has no flash of the user's, whose modules would start at its boot."""

from __future__ import annotations

import os

os.environ["WIRQ_HOST_STORE"] = ""
