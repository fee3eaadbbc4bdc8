"""Settings that every test shares."""

import os

from hypothesis import settings

settings.register_profile(
    "default",
    deadline=None,  # a busy machine is no failure
    max_examples=200,
    derandomize="CI" in os.environ,  # a change is judged by the same examples every time
    print_blob=True,
)
settings.load_profile("default")
