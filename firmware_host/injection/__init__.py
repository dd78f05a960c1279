"""An interrupt at every safe point of a program, one run each: does anything but the handler's own marks change?"""

from firmware_host.injection.explore import Difference, Exploration, explore
from firmware_host.injection.outcome import Outcome
from firmware_host.injection.subject import Subject, VirtualSubject

__all__ = ["Difference", "Exploration", "Outcome", "Subject", "VirtualSubject", "explore"]
