#!/bin/sh
set -e

# what workers of the last run left behind
rm -f "$PROMETHEUS_MULTIPROC_DIR"/*.db

python manage.py migrate --noinput
exec gunicorn clinic.wsgi --config gunicorn.conf.py
