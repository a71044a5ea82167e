"""The resource types the emulator serves, one class each, with what is particular to them.

Not in it: what is the same for all types (`manager`). `manager`, `dataplane` and `front` may import it.
"""
