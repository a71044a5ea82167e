"""Pages and pictures that are made from the code; `python -m documentation` (`make diagram`) writes them all.

Not in it: pages that people write (`docs`). It may import everything; nobody imports it.
"""
