"""The script level of .wast files: comments, strings, parentheses. Modules inside are cut out whole, not understood."""

from __future__ import annotations

import re
from collections.abc import Iterator


class ScriptError(Exception):
    """The script is not one that this converter understands. Becomes a failed command of the script's report."""


class List(list["Node"]):
    """A parenthesised list. `start` and `end` are each (offset in the source, offset in the clean copy)."""

    def __init__(self) -> None:
        super().__init__()
        self.start = (0, 0)
        self.end = (0, 0)


class Atom(bytes):
    """A keyword, identifier or number."""


class String(bytes):
    """A string literal, decoded."""


Node = List | Atom | String

_ESCAPES = {ord("n"): 10, ord("t"): 9, ord("r"): 13, ord('"'): 34, ord("'"): 39, ord("\\"): 92}
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_TOKEN = re.compile(
    rb"(?P<space>[ \t\r\n]+)"
    rb"|(?P<line_comment>;;[^\n\r]*)"
    rb"|(?P<block_comment>\(;)"
    rb"|(?P<open>\()"
    rb"|(?P<close>\))"
    rb'|(?P<string>"(?:[^"\\]|\\.)*")'
    rb'|(?P<atom>\$?(?:[^ \t\r\n"();]|;(?!;))+)',
    re.DOTALL,
)


def decode_string(raw: bytes) -> bytes:
    """The bytes that the inside of a string literal stands for."""
    out = bytearray()
    i = 0
    while i < len(raw):
        char = raw[i]
        if char != ord("\\"):
            out.append(char)
            i += 1
            continue
        escape = raw[i + 1]
        if escape in _ESCAPES:
            out.append(_ESCAPES[escape])
            i += 2
        elif escape == ord("u"):
            end = raw.index(b"}", i)
            code = int(raw[i + 3 : end].replace(b"_", b""), 16)
            out += chr(code).encode("utf8", "surrogatepass")
            i = end + 1
        else:
            out.append(int(raw[i + 1 : i + 3], 16))
            i += 3
    return bytes(out)


def _block_comment_end(text: bytes, start: int) -> int:
    """Offset just behind the block comment that starts at `start`; they nest."""
    depth = 0
    i = start
    while True:
        opening = text.find(b"(;", i)
        closing = text.find(b";)", i)
        if closing < 0:
            raise ScriptError("unterminated comment")
        if 0 <= opening < closing:
            depth += 1
            i = opening + 2
        else:
            depth -= 1
            i = closing + 2
            if depth == 0:
                return i


def _tokens(text: bytes) -> Iterator[tuple[str, int, int]]:
    """(kind, start, end) of every token, blanks and comments included."""
    i = 0
    while i < len(text):
        match = _TOKEN.match(text, i)
        if not match:
            raise ScriptError(f"not a token at byte {i}: {text[i : i + 20]!r}")
        kind = match.lastgroup or ""
        end = match.end()
        if kind == "block_comment":
            end = _block_comment_end(text, i)
        elif kind == "atom" and match.group() == b"$" and text[end : end + 1] == b'"':
            quoted = _STRING.match(text, end)  # an identifier written $"..."
            if not quoted:
                raise ScriptError(f"not a token at byte {i}")
            end = quoted.end()
        yield kind, i, end
        i = end


def head(node: Node) -> bytes:
    """The keyword that a list starts with; empty if it is no list or starts with none."""
    if isinstance(node, List) and node and isinstance(node[0], Atom):
        return bytes(node[0])
    return b""


def atom(node: Node) -> str:
    """The text of a keyword, identifier or number."""
    if not isinstance(node, Atom):
        raise ScriptError(f"a keyword, name or number is missing, found {node!r}")
    return node.decode("utf8", "replace")


def string(node: Node) -> str:
    """The text of a string literal."""
    if not isinstance(node, String):
        raise ScriptError(f"a string is missing, found {node!r}")
    return node.decode("utf8")


def _drop_annotations(node: List) -> None:
    """Removes (@...) lists, at every depth."""
    pending = [node]
    while pending:
        here = pending.pop()
        here[:] = [child for child in here if not head(child).startswith(b"@")]
        pending += [child for child in here if isinstance(child, List)]


def parse(text: bytes) -> tuple[List, bytes]:
    """The lists of a script, and a clean copy of it: comments blanked, strings in ASCII.

    The clean copy is what goes to the assembler, which is stricter about bytes than scripts are.
    """
    top = List()
    stack = [top]
    clean = bytearray()
    for kind, start, end in _tokens(text):
        clean_start = len(clean)
        token = text[start:end]
        if kind == "line_comment":
            clean += b" "
        elif kind == "block_comment":
            clean += b" " + b"\n" * token.count(b"\n")
        elif kind == "string" or token.startswith(b'$"'):
            clean += b"".join(bytes([c]) if 32 <= c < 127 else b"\\%02x" % c for c in token)
        else:
            clean += token
        if kind == "open":
            node = List()
            node.start = (start, clean_start)
            stack[-1].append(node)
            stack.append(node)
        elif kind == "close":
            if len(stack) < 2:
                raise ScriptError("unbalanced )")
            stack.pop().end = (end, len(clean))
        elif kind == "string":
            stack[-1].append(String(decode_string(token[1:-1])))
        elif kind == "atom":
            stack[-1].append(Atom(b"$" + decode_string(token[2:-1]) if token.startswith(b'$"') else token))
    if len(stack) != 1:
        raise ScriptError("unbalanced (")
    _drop_annotations(top)
    return top, bytes(clean)
