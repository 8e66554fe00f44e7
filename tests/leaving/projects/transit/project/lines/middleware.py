class CityMiddleware:
    """Which city somebody asks for: of the host's name."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.city = request.headers.get("X-City", "ulm")
        return self.get_response(request)
