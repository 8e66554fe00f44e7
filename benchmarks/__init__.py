"""What things cost, measured. Run by hand: machines differ, so nothing here ever fails for being slow."""
