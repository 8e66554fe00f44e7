"""The quick way for many lines: what is compiled by numba, and what drives it. Imported only when it pays."""
