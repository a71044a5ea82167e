"""The work as a whole: rows through worker processes into files that replace the earlier ones at once."""
