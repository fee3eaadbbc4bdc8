"""Settings that every test shares."""

import os
import signal

from hypothesis import settings

settings.register_profile(
    "default",
    deadline=None,  # a busy machine is no failure
    max_examples=200,
    derandomize="CI" in os.environ,  # a change is judged by the same examples every time
    print_blob=True,
)
settings.load_profile("default")

# What runs in the background of a shell ignores Ctrl-C, and so would all the processes that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
