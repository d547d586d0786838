"""Runs untrusted Python, a live and isolated interpreter per node; says how each program ended.

`Sandbox` is the only way in, `Execution` the only thing that comes out. See `bench.sandbox.sandbox`
for what is contained and what is not, `bench.sandbox.levels` for how strongly.
"""

from bench.sandbox.execution import Execution, Status
from bench.sandbox.levels import Level
from bench.sandbox.sandbox import Sandbox, SandboxConfig

__all__ = ["Execution", "Level", "Sandbox", "SandboxConfig", "Status"]
