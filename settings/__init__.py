"""What a stack is: its settings, their checks, and the names, sizes and models they speak of.

Not in it: anything that asks Azure (`cloud`) or the engine, but for the values Pulumi has.
All may import it; it imports none of ours.
"""
