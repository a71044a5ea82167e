"""What is measured of a new deployment while it takes traffic, and what that says of its model.

Not in it: the questions put to it before (`smoke`). The release imports it; `status` reads the same figures.
"""
