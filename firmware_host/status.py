"""Status codes and feature bits of the board, with their texts, read from the one list in vm/include/wirq_errors.h.

A board answers with codes only; the texts live here, on the computer, so that they cost a board no flash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from firmware_host import resources

_TEXT = r'"((?:[^"\\]|\\.)*)"'
_GAP = r",\s*\\?\s*"
_ERROR_ROW = re.compile(rf"WIRQ_ERROR_ROW\((\d+), (\w+){_GAP}{_TEXT}{_GAP}{_TEXT}\)")
_FEATURE_ROW = re.compile(rf"WIRQ_FEATURE_ROW\((\d+), (\w+){_GAP}{_TEXT}{_GAP}{_TEXT}\)")


@dataclass(frozen=True)
class Status:
    """One row of WIRQ_ERRORS: `name` without the WIRQ_ prefix, `text` what happened, `hint` what to do about it."""

    code: int
    name: str
    text: str
    hint: str

    @property
    def is_trap(self) -> bool:
        return 1 <= self.code < 32


@dataclass(frozen=True)
class Feature:
    """One row of WIRQ_FEATURES: `flag` is the compiler flag that avoids the feature, "" if there is none."""

    bit: int
    name: str
    text: str
    flag: str


def parse_errors(header: str) -> dict[int, Status]:
    """Rows of WIRQ_ERRORS in the text of wirq_errors.h."""
    return {
        int(code): Status(int(code), name, _unescape(text), _unescape(hint))
        for code, name, text, hint in _ERROR_ROW.findall(header)
    }


def parse_features(header: str) -> dict[int, Feature]:
    """Rows of WIRQ_FEATURES in the text of wirq_errors.h."""
    return {
        int(bit): Feature(int(bit), name, _unescape(text), _unescape(flag))
        for bit, name, text, flag in _FEATURE_ROW.findall(header)
    }


def _unescape(text: str) -> str:
    return text.replace('\\"', '"').replace("\\\\", "\\")


@cache
def _header() -> str:
    return resources.path("vm", "include", "wirq_errors.h").read_text(encoding="utf-8")


@cache
def statuses() -> Mapping[int, Status]:
    """All statuses by code."""
    return MappingProxyType(parse_errors(_header()))


@cache
def features() -> Mapping[int, Feature]:
    """All features by bit."""
    return MappingProxyType(parse_features(_header()))


@cache
def _codes() -> Mapping[str, int]:
    return MappingProxyType({status.name: status.code for status in statuses().values()})


def code(name: str) -> int:
    """The code of a status by its name, such as code("BUSY")."""
    return _codes()[name]


def status(number: int) -> Status:
    """The status of that code. One that this tool does not know is named as such: newer firmware may have more."""
    known = statuses().get(number)
    if known is not None:
        return known
    text = f"status {number}, which this tool does not know"
    return Status(number, f"STATUS_{number}", text, "the firmware is newer than the tool: update wirq")


def feature(bit: int) -> Feature:
    """The feature of that bit, known to this tool or not."""
    return features().get(bit) or Feature(bit, f"FEATURE_{bit}", f"feature {bit}, which this tool does not know", "")


def feature_names(word: int) -> frozenset[str]:
    """Names of the features whose bits are set in a hello's feature word."""
    return frozenset(feature(bit).text for bit in range(32) if word >> bit & 1)
