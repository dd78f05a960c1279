"""stdin: wat of leaf.wasm (wasm2wat); stdout: the same module with `call $safepoint` at every loop header.

The import comes first, so every function index moves up by one.
"""

from __future__ import annotations

import re
import sys

wat = sys.stdin.read()
wat = re.sub(r"(\bcall|\(func) (\d+)", lambda m: f"{m[1]} {int(m[2]) + 1}", wat)
wat = re.sub(r"(\(type \(;0;\))", r"(type $sp (func))\n  \1", wat, count=1)
wat = re.sub(r"\n  \(func ", '\n  (import "wirq" "safepoint" (func $safepoint (type $sp)))\n  (func ', wat, count=1)
wat = re.sub(r"(\n\s*loop\b[^\n]*)", r"\1\n        call $safepoint", wat)
wat = re.sub(r"\(type (\d+)\)", lambda m: f"(type {int(m[1]) + 1})", wat)
sys.stdout.write(wat)
