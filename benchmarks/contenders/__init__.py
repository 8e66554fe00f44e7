"""One Django project, and a settings module for each contender that differs in that alone."""
