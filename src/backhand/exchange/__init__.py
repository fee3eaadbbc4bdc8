"""Other libraries' models: read as networks of the sheet language, in the model's own names."""
