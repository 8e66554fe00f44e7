"""What platforms make of an app's stdout: real programs where there are some, else their documented formats."""
