"""Why a job failed: its own words, what they mean, and what to do.

Not in it: following a job (`training`), which imports it once one has failed; the documentation lists the causes.
"""
