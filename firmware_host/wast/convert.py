"""Scripts to commands. Handles the scripts of WebAssembly 1.0 to 3.0 and of the proposals that wirq implements."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence

from firmware_host.wast import commands as c
from firmware_host.wast.assemble import assemble
from firmware_host.wast.constants import constant
from firmware_host.wast.sexpr import Atom, List, Node, ScriptError, String, atom, head, parse, string
from firmware_host.wast.values import Nan

_ACTION_ASSERTIONS = ("assert_trap", "assert_exhaustion", "assert_exception", "assert_suspension")
_MODULE_ASSERTIONS = (
    "assert_malformed",
    "assert_invalid",
    "assert_unlinkable",
    "assert_uninstantiable",
    "assert_malformed_custom",
    "assert_invalid_custom",
)
_MALFORMED = ("assert_malformed", "assert_malformed_custom")
_NAN_ASSERTIONS = {"assert_return_canonical_nan": "canonical", "assert_return_arithmetic_nan": "arithmetic"}
_OTHERS = ("module", "register", "invoke", "get", "thread", "wait", "script", "input", "output", "component")

#: What a command of an unexpected form raises here.
_UNCONVERTIBLE = (ScriptError, LookupError, ValueError)


def convert(source: bytes) -> list[c.Command]:
    """The commands of a script. What cannot be converted becomes an Unconvertible command, never an exception.

    Raises ToolMissing if the script has modules as text and there is no assembler.
    """
    try:
        return _Converter(source).run()
    except ScriptError as error:
        return [c.Unconvertible(1, "script", str(error))]


class _Converter:
    def __init__(self, source: bytes) -> None:
        self.top, self.clean = parse(source)
        self.newlines = [i for i, char in enumerate(source) if char == 10]

    def run(self) -> list[c.Command]:
        first = next((head(node).decode() for node in self.top if isinstance(node, List)), "module")
        if first not in _OTHERS and not first.startswith("assert_"):  # the whole script is the fields of one module
            return [c.ModuleCommand(1, "module", c.ModuleSource(assemble(b"(module " + self.clean + b")")))]
        return self._commands(self.top)

    def _commands(self, nodes: Sequence[Node]) -> list[c.Command]:
        out: list[c.Command] = []
        for node in nodes:
            line = self._line(node) if isinstance(node, List) else 0
            keyword = head(node).decode() or "?"
            try:
                if not isinstance(node, List):
                    raise ScriptError(f"{node!r} is no command")
                out.append(self._command(node, line, keyword))
            except _UNCONVERTIBLE as error:
                problem = str(error).strip().split("\n")[0][:200]
                out.append(c.Unconvertible(line, keyword, problem))
        return out

    def _command(self, node: List, line: int, keyword: str) -> c.Command:
        if keyword == "module":
            return self._module_command(node, line)
        if keyword == "register":
            return c.RegisterCommand(line, keyword, string(node[1]), atom(node[2]) if len(node) > 2 else "")
        if keyword in ("invoke", "get"):
            return c.ActionCommand(line, "action", self._action(node))
        if keyword == "assert_return":
            expected = tuple(constant(child) for child in node[2:])
            return c.AssertReturn(line, keyword, self._action(node[1]), expected)
        if keyword in _NAN_ASSERTIONS:
            return c.AssertReturn(line, keyword, self._action(node[1]), (Nan("", _NAN_ASSERTIONS[keyword]),))
        if keyword in _ACTION_ASSERTIONS:
            return self._action_assertion(node, line, keyword)
        if keyword in _MODULE_ASSERTIONS:
            module, _ = self._module(node[1], keep_text=keyword in _MALFORMED)
            return c.AssertModule(line, keyword, module, string(node[2]))
        if keyword == "thread":
            return self._thread(node, line)
        if keyword == "wait":
            return c.WaitCommand(line, keyword, atom(node[1]))
        raise ScriptError(f"unknown command {keyword}")

    def _module_command(self, node: List, line: int) -> c.Command:
        if len(node) > 1 and node[1] == b"instance" and isinstance(node[1], Atom):
            names = [atom(child) for child in node[2:]] + ["", ""]
            return c.InstanceCommand(line, "module_instance", names[0], names[1])
        module, definition = self._module(node)
        return c.ModuleCommand(line, "module_definition" if definition else "module", module, definition)

    def _action_assertion(self, node: List, line: int, keyword: str) -> c.Command:
        text = string(node[2]) if len(node) > 2 else ""
        if head(node[1]) == b"module":
            module, _ = self._module(node[1])
            if keyword != "assert_trap":
                raise ScriptError(f"{keyword} of a module")
            return c.AssertModule(line, "assert_uninstantiable", module, text)
        return c.AssertFailure(line, keyword, self._action(node[1]), text)

    def _action(self, node: Node) -> c.Action:
        keyword = head(node)
        if not isinstance(node, List) or keyword not in (b"invoke", b"get"):
            raise ScriptError(f"unknown action {keyword.decode()}")
        rest = list(node[1:])
        module = atom(rest.pop(0)) if isinstance(rest[0], Atom) else ""
        field = string(rest.pop(0))
        if keyword == b"get":
            return c.Get(module, field)
        return c.Invoke(module, field, tuple(constant(child) for child in rest))

    def _thread(self, node: List, line: int) -> c.Command:
        rest = node[2:]
        shared = ""
        if rest and head(rest[0]) == b"shared":
            inner = rest[0][1]
            shared = atom(inner[1]) if isinstance(inner, List) else ""
            rest = rest[1:]
        return c.ThreadCommand(line, "thread", atom(node[1]), shared, tuple(self._commands(rest)))

    def _module(self, node: Node, keep_text: bool = False) -> tuple[c.ModuleSource, bool]:
        """A module, and whether it is a definition only."""
        if not isinstance(node, List) or head(node) not in (b"module", b"component"):
            raise ScriptError("a module is missing")
        rest = list(node[1:])

        def take(keyword: bytes) -> bool:
            if rest and isinstance(rest[0], Atom) and rest[0] == keyword:
                rest.pop(0)
                return True
            return False

        definition = take(b"definition")
        name = ""
        if rest and isinstance(rest[0], Atom) and rest[0].startswith(b"$"):
            name = atom(rest.pop(0))
        definition |= take(b"definition")
        binary: bytes | None
        if take(b"binary"):
            binary = self._joined(rest, b"")
        elif take(b"quote"):
            binary = None if keep_text else self._quoted(self._joined(rest, b" "))
        else:
            binary = assemble(self._text_of(node))
        return c.ModuleSource(binary, name), definition

    @staticmethod
    def _joined(parts: Sequence[Node], between: bytes) -> bytes:
        strings = [part for part in parts if isinstance(part, String)]
        if len(strings) != len(parts):
            raise ScriptError("a string is missing")
        return between.join(strings)

    @staticmethod
    def _quoted(text: bytes) -> bytes:
        clean = parse(text)[1]
        return assemble(clean if text.lstrip().startswith(b"(module") else b"(module " + clean + b")")

    def _text_of(self, node: List) -> bytes:
        """The source of a module, as a module that any assembler knows."""
        text = self.clean[node.start[1] : node.end[1]]
        if text.startswith(b"((@"):
            text = text.replace(b"(@a)", b"")
        text = re.sub(rb"^\(\s*module(\s+definition)?", b"(module", text, count=1)
        return re.sub(rb'^\(module(\s+\$[^\s()"]+)\s+definition', rb"(module\1", text, count=1)

    def _line(self, node: List) -> int:
        return bisect.bisect_left(self.newlines, node.start[0]) + 1
