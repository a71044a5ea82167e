"""Commands about what somebody else has made."""
