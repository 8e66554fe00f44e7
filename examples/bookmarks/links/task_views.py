"""The pages that send tasks to Celery, and say what became of them."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from . import tasks
from .models import Feed


@require_POST
def feed_refresh(_request: HttpRequest, pk: int) -> JsonResponse:
    return _accepted(tasks.poll_feed.delay(get_object_or_404(Feed, pk=pk).pk))


@require_POST
def bookmark_upload(request: HttpRequest) -> JsonResponse:
    """Takes the same form as an import at once."""
    user = get_object_or_404(User, pk=request.POST.get("user"))
    data = request.FILES["file"].read()
    return _accepted(tasks.import_file.delay(user.pk, request.POST["format"], data))


@require_GET
def task_state(_request: HttpRequest, task_id: UUID) -> JsonResponse:
    result = tasks.app.AsyncResult(str(task_id))
    value = result.result if result.successful() else None
    return JsonResponse({"state": result.state, "retries": result.retries or 0, "result": value})


def _accepted(sent: Any) -> JsonResponse:
    return JsonResponse({"task": sent.id}, status=202)
