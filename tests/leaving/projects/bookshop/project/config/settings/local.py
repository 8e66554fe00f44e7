from .base import *

DEBUG = True
ALLOWED_HOSTS = ["*"]

MIDDLEWARE.append("catalog.middleware.NoStoreMiddleware")
