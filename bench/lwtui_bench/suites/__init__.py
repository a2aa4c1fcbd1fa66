"""The suites that come with lwtui."""

from lwtui_bench.suites.constraints import CONSTRAINTS
from lwtui_bench.suites.longbench import ENGLISH, RULER, TRIAL, WRITE

BUILT_IN = (WRITE, ENGLISH, RULER, CONSTRAINTS, TRIAL)
