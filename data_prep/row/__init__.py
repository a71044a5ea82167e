"""Pure functions of one row: its shape, the rules, repairs, split, personal data. No files, no network."""
