"""What the rehearsals of the three environments send to Azure, as it was last read by a person: one file a stack."""
