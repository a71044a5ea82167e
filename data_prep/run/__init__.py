"""The work as a whole: rows through worker processes into files that replace the earlier ones at once.

Not in it: what is done to a row (`row`). `python -m data_prep` and the stage dataset import it.
"""
