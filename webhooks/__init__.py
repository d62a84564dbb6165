"""The edge: speaks HTTP and the providers' dialects."""
