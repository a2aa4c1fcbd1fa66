"""Language models behind one protocol: GGUFs on this machine and OpenAI-compatible endpoints."""
