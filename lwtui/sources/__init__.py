"""Sources: what a document is written from, read into passages that the model may cite."""
