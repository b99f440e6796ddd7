"""A test that bad input is refused."""

import pytest


def refused(*cases):
    """A test that each call raises a ValueError, whose message is matched by the text beside the call."""

    @pytest.mark.parametrize(("call", "message"), cases)
    def test(call, message):
        with pytest.raises(ValueError, match=message):
            call()

    return test
