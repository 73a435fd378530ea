"""Forty leaks that people plant, and forty pipelines that only look like leaks."""

import pytest
from scripts import CLEAN, PLANTED, findings


def name(script):
    return script.stem


def test_there_are_forty_of_each():
    assert len(PLANTED) == len(CLEAN) == 40


@pytest.mark.parametrize("script", PLANTED, ids=name)
def test_a_planted_leak_is_caught(script):
    expected, found = findings(script)
    assert expected & {finding.name for finding in found}
    for finding in found:
        assert finding.sentence
        assert finding.remedy


@pytest.mark.parametrize("script", CLEAN, ids=name)
def test_a_clean_pipeline_raises_no_alarm(script):
    _, found = findings(script)
    assert [str(finding) for finding in found] == []
