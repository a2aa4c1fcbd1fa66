"""``python -m lwtui``, the same as ``lwtui``."""

from lwtui.cli import main

raise SystemExit(main())
