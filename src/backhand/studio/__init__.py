"""The page where a network is worked step by step: a local server that answers, and the files of the page."""
