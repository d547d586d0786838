"""What runs inside: keeper, zygote, nodes, and the layers that enclose them.

These modules are loaded into a fresh interpreter without the rest of this project, and import
nothing but each other, `bench.sandbox.wire` and the standard library. So neither the harness nor a
reference answer is ever in the memory that untrusted programs inherit.
"""
