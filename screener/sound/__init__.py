"""The sound of a message: kept, cut and levelled, encoded and tagged, its speech written down."""
