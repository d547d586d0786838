"""Runs untrusted Python; says how each program ended and what it printed.

`Sandbox` is the only way in, `Execution` the only thing that comes out. See `bench.sandbox.process`
for what is contained and what is not.
"""

from bench.sandbox.execution import Execution, Status
from bench.sandbox.process import Sandbox, SandboxConfig

__all__ = ["Execution", "Sandbox", "SandboxConfig", "Status"]
