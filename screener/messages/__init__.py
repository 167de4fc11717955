"""Messages: recorded, and then heard by those whom a box serves, by phone or as a podcast."""
