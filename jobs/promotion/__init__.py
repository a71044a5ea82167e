"""A model that one stack has proved, taken by another: shared to a registry with its evidence, checked, deployed.

Not in it: putting it into service (`release`), which is done in the same way as with a model of one's own.
"""
