"""Text of others, as it may be shown."""


def visible(text: str) -> str:
    """Without control characters, which a terminal would obey, nor any that turns what follows around."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
