"""The page in parts: what every result is made of before it is drawn."""
