"""What counters in a process say, and what logemit says of the same orders, where processes come and go."""
