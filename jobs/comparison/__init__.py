"""The recipes of a stack side by side: what each has learnt, how long that took, what it cost and what it takes.

Not in it: which of them is released (`choosing`), and what a model answers (`evaluation`).
"""
