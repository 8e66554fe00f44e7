"""One row for each order: what was served, whoever counts."""

from django.db import models
from django_prometheus.models import ExportModelOperationsMixin


class Order(ExportModelOperationsMixin("order"), models.Model):  # type: ignore[misc]
    class Meta:
        app_label = "shop"
