"""The sheet language: text to statements and back. Reading a sheet never runs it."""
