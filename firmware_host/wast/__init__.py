"""Runs WebAssembly specification scripts (.wast) against a board: `wirq wast`.

`convert` turns a script into commands with binary modules, `Runner` gives them to a board, `ScriptReport` says how it
went.
"""

from firmware_host.wast.convert import convert
from firmware_host.wast.report import CommandResult, Outcome, ScriptReport
from firmware_host.wast.runner import Runner
from firmware_host.wast.suite import Script, find_scripts

__all__ = ["CommandResult", "Outcome", "Runner", "Script", "ScriptReport", "convert", "find_scripts"]
