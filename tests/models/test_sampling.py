"""Sampling options as people write them."""

from __future__ import annotations

import pytest

from lwtui.config import ModelSettings
from lwtui.errors import UsageError
from lwtui.models.base import Sampling
from lwtui.models.profiles import PROFILES, profile_for
from lwtui.models.sampling import PRESETS, with_sampling
from tests.errors import has_code


def test_named_options_are_replaced_and_the_rest_stays() -> None:
    base = Sampling(temperature=0.8, top_k=40)
    changed = with_sampling(base, " temperature = 0.2,min_p=0.1, dry_allowed_length=3, logit_bias.42=-5,")
    assert changed == Sampling(temperature=0.2, top_k=40, min_p=0.1, dry_allowed_length=3, logit_bias={"42": -5.0})
    assert with_sampling(changed, "logit_bias.tomato=2").logit_bias == {"42": -5.0, "tomato": 2.0}
    assert with_sampling(base, "") == base


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        ("hot=1", "unknown-option", "'hot'"),
        ("temperature", "no-value", "'temperature'"),
        ("temperature=warm", "out-of-range", "'warm'"),
        ("temperature=nan", "out-of-range", "'nan'"),
        ("top_p=2", "out-of-range", "'2'"),
        ("top_k=1.5", "out-of-range", "'1.5'"),
        ("logit_bias.=1", "unknown-option", "'logit_bias.'"),
    ],
)
def test_invalid_options_are_reported(text: str, code: str, named: str) -> None:
    with pytest.raises(UsageError, check=has_code(code)) as caught:
        with_sampling(Sampling(), text)
    assert named in str(caught.value)


def test_a_models_settings_override_its_profile() -> None:
    settings = ModelSettings("m", profile="base", temperature=0.3, sampling="repeat_penalty=1.0, xtc_probability=0.5")
    sampling = profile_for(settings).sampling
    assert (sampling.temperature, sampling.repeat_penalty, sampling.xtc_probability) == (0.3, 1.0, 0.5)
    assert sampling.top_k == PROFILES["base"].sampling.top_k


def test_a_preset_stands_for_its_values_and_later_options_override_it() -> None:
    for text in PRESETS.values():
        assert with_sampling(Sampling(), text).temperature is not None
    base = Sampling(temperature=0.1, top_k=40)
    assert with_sampling(base, "precise") == Sampling(temperature=0.3, top_p=0.9, top_k=40)
    assert with_sampling(base, " balanced , min_p=0.1").min_p == 0.1
    assert with_sampling(with_sampling(base, "inventive"), "precise, temperature=0.2").temperature == 0.2
    with pytest.raises(UsageError, check=has_code("no-value")):
        with_sampling(base, "wild")
