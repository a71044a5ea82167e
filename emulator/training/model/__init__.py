"""The small model: its shape and tokenizer, the folder it is kept in, and how it answers, with NumPy alone.

Not in it: training it (`training`) and serving it (`serving`), which both import this.
"""
