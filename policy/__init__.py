"""The policy pack: what a stack may declare, checked in every preview that is run with it."""
