"""What a subscription has: regions, VM sizes, quota and requests for more, its offer, its registered providers.

Not in it: the calls that tell about it (`manager.subscription`). Rooms from `runs` up may import it.
"""
