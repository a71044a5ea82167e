"""Pure functions of one row: its shape, the rules, repairs, split, personal data. No files, no network.

Not in it: reading rows (`read`). All other rooms of `data_prep` may import it.
"""
