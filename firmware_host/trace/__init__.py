"""What interrupts did and when, as a board's firmware tells it: records, a timeline for trace viewers, a picture."""

from firmware_host.trace.records import Record, Recorder
from firmware_host.trace.timeline import Timeline

__all__ = ["Record", "Recorder", "Timeline"]
