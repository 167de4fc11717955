"""Number lists: made of files in the usual forms, and asked where they lie."""
