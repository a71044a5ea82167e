"""What a new deployment has to show: answers to questions put to it, and figures while it takes traffic.

Not in it: who gets the traffic. The release imports it; `status` reads the same figures.
"""
