"""What a run on a cluster costs: measured on this machine, as a model on paper, and simulated."""
