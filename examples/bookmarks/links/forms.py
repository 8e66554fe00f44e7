from django import forms

from .models import Bookmark


class BookmarkForm(forms.ModelForm):
    url = forms.URLField(max_length=2000, assume_scheme="https")

    class Meta:
        model = Bookmark
        fields = ("user", "url", "title", "tags")
