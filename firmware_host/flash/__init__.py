"""Brings firmware onto chips: which ways a board has, which of them are there, and one face for all of them."""

from __future__ import annotations

from firmware_host.flash.choose import Choice, choose
from firmware_host.flash.firmware import Firmware

__all__ = ["Choice", "Firmware", "choose"]
