"""How tokens are drawn, as people write it."""

from __future__ import annotations

import pytest

from lwtui.config import ModelSettings
from lwtui.errors import UsageError
from lwtui.models.base import Sampling
from lwtui.models.profiles import PROFILES, profile_for
from lwtui.models.sampling import PRESETS, with_sampling


def test_what_is_named_replaces_what_was_and_the_rest_stays() -> None:
    base = Sampling(temperature=0.8, top_k=40)
    changed = with_sampling(base, " temperature = 0.2,min_p=0.1, dry_allowed_length=3, logit_bias.42=-5,")
    assert changed == Sampling(temperature=0.2, top_k=40, min_p=0.1, dry_allowed_length=3, logit_bias={"42": -5.0})
    assert with_sampling(changed, "logit_bias.tomato=2").logit_bias == {"42": -5.0, "tomato": 2.0}
    assert with_sampling(base, "") == base


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hot=1", "'hot' is not known of sampling. Known: temperature, "),
        ("temperature", "'temperature' sets nothing"),
        ("temperature=warm", "temperature must be a number from 0 to 5, not 'warm'"),
        ("temperature=nan", "not 'nan'"),
        ("top_p=2", "top_p must be a number from 0 to 1, not '2'"),
        ("top_k=1.5", "top_k must be a whole number"),
        ("logit_bias.=1", "'logit_bias.' is not known"),
    ],
)
def test_what_makes_no_sense_is_told(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        with_sampling(Sampling(), text)
    assert why in str(caught.value)


def test_a_models_settings_go_before_its_profile() -> None:
    settings = ModelSettings("m", profile="base", temperature=0.3, sampling="repeat_penalty=1.0, xtc_probability=0.5")
    sampling = profile_for(settings).sampling
    assert (sampling.temperature, sampling.repeat_penalty, sampling.xtc_probability) == (0.3, 1.0, 0.5)
    assert sampling.top_k == PROFILES["base"].sampling.top_k


def test_a_set_stands_for_its_values_and_what_comes_after_it_has_the_last_word() -> None:
    for text in PRESETS.values():
        assert with_sampling(Sampling(), text).temperature is not None
    base = Sampling(temperature=0.1, top_k=40)
    assert with_sampling(base, "precise") == Sampling(temperature=0.3, top_p=0.9, top_k=40)
    assert with_sampling(base, " balanced , min_p=0.1").min_p == 0.1
    assert with_sampling(with_sampling(base, "inventive"), "precise, temperature=0.2").temperature == 0.2
    with pytest.raises(UsageError, match="or as one of precise, balanced, inventive"):
        with_sampling(base, "wild")
