"""Serving the small model with Azure's inference server: the scoring script, and the two kinds of answers Azure has.

Not in it: training. A deployment starts `python -m emulator.training.serving.serve`; nobody else imports it.
"""
