"""The rules of the house that no linter knows, checked by reading the tree."""
