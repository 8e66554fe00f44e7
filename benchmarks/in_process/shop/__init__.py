"""A shop that both libraries count: django-prometheus as its README says, logemit beside it."""

OPEN = "shop_orders_open"
"""A gauge that the shop has of both libraries."""
