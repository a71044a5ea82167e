"""What a stack is: its settings, their checks, and the names, sizes and models they speak of. Imports none of ours."""
