"""What all commands share: parsing options, choosing a model, reporting errors and exit codes."""
