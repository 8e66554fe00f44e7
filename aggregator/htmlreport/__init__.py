"""What a folder holds as one HTML file, which opens anywhere and asks for nothing."""

from .contents import Contents, gather
from .page import render, require

__all__ = ["Contents", "gather", "render", "require"]
