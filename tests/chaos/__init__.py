"""Chaos: the local stack taken up, changed and down again while faults and kills come at moments a seed chooses."""
