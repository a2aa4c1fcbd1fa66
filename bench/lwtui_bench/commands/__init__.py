"""The commands of the benchmark, one module each: ``add`` says what it takes, ``run`` does it."""
