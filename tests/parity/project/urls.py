from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.routers import SimpleRouter

from . import views


def inner(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(str(number))


router = SimpleRouter()
router.register("items", views.Items, basename="items")

urlpatterns = [
    path("hello/", views.hello, name="hello"),
    path("unnamed/", views.unnamed),
    path("unnamed-class/", views.Methods.as_view()),
    path("methods/", views.Methods.as_view(), name="methods"),
    path("shop/", include(([path("<int:number>/", inner, name="item"), path("all/", inner, {"number": 0})], "shop"))),
    path("api/status/", views.Status.as_view(), name="status"),
    path("api/", include(router.urls)),
    path("fails/<slug:kind>/", views.fails, name="fails"),
    path("fails-async/", views.fails_async, name="fails_async"),
    path("hello-async/", views.hello_async, name="hello_async"),
    path("waits/", views.waits, name="waits"),
    path("page/<slug:kind>/", views.page, name="page"),
    path("template-view/", views.Page.as_view(), name="template_view"),
    path("moved/", views.moved, name="moved"),
    path("status/<int:status>/", views.with_status, name="with_status"),
    path("charset/<slug:charset>/", views.with_charset, name="charset"),
    path("streamed/", views.streamed, name="streamed"),
    path("streamed-async/", views.streamed_async, name="streamed_async"),
    path("file/", views.file, name="file"),
    path("queries/", views.queries, name="queries"),
    path("queries-async/", views.queries_async, name="queries_async"),
    path("asks-itself/", views.asks_itself, name="asks_itself"),
]
