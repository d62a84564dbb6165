"""What must happen outside the database, one file per kind."""
