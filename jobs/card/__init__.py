"""What is known of one version of the model, as a card, and its files on this machine.

Not in it: how good it is (`evaluation`), and which of several is better (`comparison`).
"""
