class NoStoreMiddleware:
    """Browsers keep nothing while somebody works on the pages."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response["Cache-Control"] = "no-store"
        return response
