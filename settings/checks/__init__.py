"""What of a stack goes together: keys that exclude each other, and what a fine-tune takes of its GPUs.

May be imported by every room above settings; the sections themselves do not import it.
"""
