"""The command. No arithmetic here: it reads words, calls, and prints."""
