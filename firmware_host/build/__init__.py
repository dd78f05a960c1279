"""Builds firmware for boards, and WebAssembly modules from C."""

from __future__ import annotations

from firmware_host.build.image import Image, Options, build, firmware

__all__ = ["Image", "Options", "build", "firmware"]
