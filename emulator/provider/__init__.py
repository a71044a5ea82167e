"""The ``azure-native`` provider plugin for runs against the emulator.

The official plugin is one binary from Pulumi's own download site, which many networks cannot
reach. This one knows the few resource types of this project (``resources.py``) and speaks plain
ARM REST for them, so that the engine, the ``pulumi_azure_native`` SDK and the program stay the
real ones. It behaves as the official one does where a program could tell: request bodies, names
it makes up, what forces a replacement, what a refresh takes over.

Not in it: what ARM answers. The engine starts it as a process; it imports no other room, and none it.
"""
