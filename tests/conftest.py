"""What holds for all tests: the `host` board has no flash of the user's, whose modules would start at its boot, and
programs that tests start can be interrupted, even where the tests run in the background and are deaf to it."""

from __future__ import annotations

import os
import signal

os.environ["WIRQ_HOST_STORE"] = ""
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
