import logemit


@logemit.health_check("shop")
def shop() -> None:
    """Found by `manage.py health_checks`."""
