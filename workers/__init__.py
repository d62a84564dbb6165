"""The jobs: connect the edge and the business in time."""
