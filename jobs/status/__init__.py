"""What a stack is doing and what it has cost so far, read from Azure.

Not in it: changing anything. Commands and `evaluation` import it.
"""
