"""What files of rules and dashboards ask for, and what of it changes with the metrics.

trees.py reads JSON and YAML with their lines, files.py finds the expressions in them, variables.py puts something in
for Grafana's variables, selectors.py says what an expression asks of which metrics, and findings.py what that means.
"""

from .findings import Finding, What
from .scanning import scan

__all__ = ["Finding", "What", "scan"]
