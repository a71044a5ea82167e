"""Set-up of a clone: the Python environment, a Pulumi CLI with its Python language host, and Azurite.

Everything here except `language_host` and `pulumi_language_python` runs before `.venv` exists, on a plain
Python 3.11 with the standard library only. `python3 -m toolchain` is what `make setup` calls.
"""
