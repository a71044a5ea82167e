"""Microsoft.Network, as far as private endpoints need it: networks, subnets, endpoints, and zones of names.

No packet is routed and no name resolved: `emulator.resources.network.closed` says who would be let in.
"""
