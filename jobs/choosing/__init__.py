"""The best of several recipes, told by what their jobs have logged.

Not in it: a table of them (`comparison`), and putting one into service (`release`).
"""
