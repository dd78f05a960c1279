"""The VM's test driver, for tests of interrupts that need no board."""

from tests.vm.conftest import machine, new_machine, programs

__all__ = ["machine", "new_machine", "programs"]
