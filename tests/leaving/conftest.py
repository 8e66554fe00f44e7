"""The projects in this folder have tests of their own, which run in them."""

collect_ignore = ["projects"]
