"""How quickly logs become summaries: ours beside DuckDB, Polars, a plain loop and mtail, on the same generated log."""
