"""Rows out of files: JSON Lines, JSON, CSV and Parquet, compressed or not."""
