"""DATA AND FITTING: tables, encoding, scaling, splits, stopping, model files."""
