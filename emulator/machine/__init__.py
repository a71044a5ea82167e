"""This machine: the emulator's folder and its files, its state, its processes and Azurite, a command's environment.

Not in it: anything that Azure would say. Every other room may import it; it imports none.
"""
