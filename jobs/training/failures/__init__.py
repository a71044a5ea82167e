"""Why a job failed: its own words, what they mean, and what to do."""
