"""Rows out of files: JSON Lines, JSON, CSV and Parquet, compressed or not.

Not in it: which files (`source`), what a row means (`row`). `run` imports it.
"""
