from django.conf import settings
from django.urls import path
from links import views

urlpatterns = [
    path("bookmarks/", views.BookmarkList.as_view(), name="bookmark_list"),
    path("bookmarks/new/", views.BookmarkCreate.as_view(), name="bookmark_create"),
    path("bookmarks/import/", views.bookmark_import, name="bookmark_import"),
    path("bookmarks/export/", views.bookmark_export, name="bookmark_export"),
    path("bookmarks/<int:pk>/", views.BookmarkEdit.as_view(), name="bookmark_edit"),
    path("bookmarks/<int:pk>/delete/", views.BookmarkDelete.as_view(), name="bookmark_delete"),
    path("tags/<str:name>/", views.TagDetail.as_view(), name="tag_detail"),
    path("digest/", views.digest, name="digest"),
    path("report/", views.report, name="report"),
    path("feeds/", views.FeedList.as_view(), name="feed_list"),
    path("feeds/<int:pk>/poll/", views.feed_poll, name="feed_poll"),
    path("api/bookmarks/", views.api_bookmarks, name="api_bookmarks"),
    path("api/visits/", views.api_visits, name="api_visits"),
    path("api/stats/", views.api_stats, name="api_stats"),
    path("api/titles/", views.api_titles, name="api_titles"),
    path("guide/", views.guide, name="guide"),
    path("slow/", views.slow, name="slow"),
    path("private/", views.private, name="private"),
    path("broken/", views.broken, name="broken"),
]

if settings.REDIS:
    from links import task_views

    urlpatterns += [
        path("feeds/<int:pk>/refresh/", task_views.feed_refresh, name="feed_refresh"),
        path("bookmarks/upload/", task_views.bookmark_upload, name="bookmark_upload"),
        path("tasks/<uuid:task_id>/", task_views.task_state, name="task_state"),
    ]
