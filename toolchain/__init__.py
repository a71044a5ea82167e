"""Set-up of a clone: the Python environment, a Pulumi CLI with its Python language host, and Azurite.

`python3 -m toolchain` is what `make setup` calls; it and all modules of this folder run before `.venv` exists, on a
plain Python 3.11 with the standard library only. Not in it: anything that a stack needs once it is set up.
Nobody of the product imports it; the emulator's conformance run does.
"""
