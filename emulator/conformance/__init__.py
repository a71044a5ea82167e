"""The journey once more with what is Pulumi's own: CLI, language host and azure-native plugin, in place of ours.

Not in it: how those are found (`toolchain`). `python -m emulator conformance` alone imports it.
"""
