"""The data card: what was made of which data, as JSON, page and pictures.

Not in it: making the data (`run`). `run`, the stage dataset and reviews of data import it.
"""
