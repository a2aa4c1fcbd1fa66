from lwtui.cli import main

raise SystemExit(main())
