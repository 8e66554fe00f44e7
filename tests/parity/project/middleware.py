"""Middlewares that do what a request asks them to."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.deprecation import MiddlewareMixin


class Outer(MiddlewareMixin):
    """Answers or fails itself, before and after the view."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.GET.get("middleware") == "fails":
            raise LookupError("on the way in")
        return HttpResponse(b"closed", status=503) if request.GET.get("middleware") == "answers" else None

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        return HttpResponse(b"not you", status=429) if request.GET.get("middleware") == "refuses" else None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.GET.get("middleware") == "fails-late":
            raise LookupError("on the way out")
        return response


class Answering(MiddlewareMixin):
    """Turns an exception of the view into a page, and renders other templates than the view chose."""

    def process_template_response(self, request: HttpRequest, response: TemplateResponse) -> TemplateResponse:
        if "other" in request.GET:
            response.template_name = "other.html"
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return HttpResponse(b"sorry", status=409) if isinstance(exception, TimeoutError) else None
