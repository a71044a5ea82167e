"""What becomes of resources later: replaced, protected, recreated, tagged by others."""
