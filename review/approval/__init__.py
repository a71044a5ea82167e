"""What somebody approves, in lines and a digest of them, and whether that is still what would run.

Not in it: how a review is made (`review.report`). `review` alone imports it.
"""
