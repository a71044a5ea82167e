"""Was the fine-tune worth it? Held-out loss, golden questions to the models side by side, and a page about it.

Not in it: the questions (`golden`). The command alone imports it.
"""
