import os

BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

SECRET_KEY = os.environ.get('DJANGO_SECRET_KEY', 'development only')
DEBUG = os.environ.get('DJANGO_DEBUG') == '1'
ALLOWED_HOSTS = ['*']

INSTALLED_APPS = (
    'django_prometheus',
    'django.contrib.auth',
    'django.contrib.contenttypes',
    'visits',
)

MIDDLEWARE = [
    'django_prometheus.middleware.PrometheusBeforeMiddleware',  # first!
    'django.middleware.security.SecurityMiddleware',
    'django.middleware.common.CommonMiddleware',
    'django.middleware.csrf.CsrfViewMiddleware',
    # 'django.middleware.clickjacking.XFrameOptionsMiddleware',
    'django_prometheus.middleware.PrometheusAfterMiddleware',
]

ROOT_URLCONF = 'clinic.urls'
WSGI_APPLICATION = 'clinic.wsgi.application'
TEMPLATES = []

DATABASES = {
    'default': {
        'ENGINE': 'django_prometheus.db.backends.sqlite3',
        'NAME': os.environ.get('DATABASE_PATH', os.path.join(BASE_DIR, 'clinic.sqlite3')),
    }
}
DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'

# Bearer token for the page with the metrics.
METRICS_TOKEN = os.environ.get('METRICS_TOKEN', '')

STATIC_URL = '/static/'
STATIC_ROOT = os.path.join(BASE_DIR, 'staticfiles')
USE_TZ = True
