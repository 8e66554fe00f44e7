"""What django-prometheus' database engines and cache backends wrap."""

_DATABASES, _CACHES = "django_prometheus.db.backends", "django_prometheus.cache.backends"
_DJANGOS = "django.core.cache.backends"

WRAPPED = {
    **{f"{_DATABASES}.{name}": f"django.db.backends.{name}" for name in ("mysql", "postgresql", "sqlite3")},
    **{f"{_DATABASES}.{name}": f"django.contrib.gis.db.backends.{name}" for name in ("postgis", "spatialite")},
    f"{_CACHES}.django_memcached_consul.MemcachedCache": "django_memcached_consul.memcached.MemcachedCache",
    f"{_CACHES}.filebased.FileBasedCache": f"{_DJANGOS}.filebased.FileBasedCache",
    f"{_CACHES}.locmem.LocMemCache": f"{_DJANGOS}.locmem.LocMemCache",
    f"{_CACHES}.memcached.PyLibMCCache": f"{_DJANGOS}.memcached.PyLibMCCache",
    f"{_CACHES}.memcached.PyMemcacheCache": f"{_DJANGOS}.memcached.PyMemcacheCache",
    f"{_CACHES}.redis.NativeRedisCache": f"{_DJANGOS}.redis.RedisCache",
    f"{_CACHES}.redis.RedisCache": "django_redis.cache.RedisCache",
}
"""By the dotted path of a wrapper, the path of what it wraps."""
