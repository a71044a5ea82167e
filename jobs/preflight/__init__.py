"""What Azure would refuse, found before the first resource is made."""
