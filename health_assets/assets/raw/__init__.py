"""What comes in, one file a source system: faithful copies with file and row number."""
