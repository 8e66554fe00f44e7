"""What a monitoring needs besides the numbers."""
