"""What a failure means for a channel."""

import pytest

from oneapi_app.channels.health import LONGEST_REST_S, SuccessWindow, is_dead, judge
from oneapi_app.convert.base import Failure


def failure(status=500, message="", type="", code=None, retry_after_s=None, local=False):
    return Failure(status, message, type, code, "", retry_after_s, local=local)


@pytest.mark.parametrize(
    "dead",
    [
        failure(401),
        failure(429, type="insufficient_quota"),
        failure(403, type="permission_error"),
        failure(400, code="invalid_api_key"),
        failure(400, "API key not valid. Please pass a valid API key."),
        failure(400, "Your credit balance is too low to access the API"),
        failure(403, "You have run out of CREDIT"),
        failure(402, "Insufficient balance"),
        failure(403, "Permission denied"),
        failure(200, "账户已欠费"),
    ],
)
def test_a_dead_credential_is_recognised(dead):
    assert is_dead(dead)


@pytest.mark.parametrize(
    "alive",
    [
        failure(400, "please balance the chemical equation, credit to the author"),
        failure(500, "load balancer: no healthy upstream"),
        failure(400, "this image is in violation of our policies"),
        failure(404, "the model does not exist"),
        failure(429, "Rate limit reached"),
        failure(401, local=True),
        failure(403, "credit", local=True),
        failure(500, "connect to h:443: permission denied", "one_api_error", "do_request_failed"),
    ],
)
def test_words_of_users_and_ours_disable_nothing(alive):
    assert not is_dead(alive)
    assert not judge(alive, consecutive=1, auto_disable=True).disable


def test_disabling_is_the_operators_choice():
    assert judge(failure(401, "no"), consecutive=1, auto_disable=True).disable
    verdict = judge(failure(401, "no"), consecutive=1, auto_disable=False)
    assert not verdict.disable and verdict.cooldown_s > 0 and verdict.counts_as_failure


def test_rests_double_up_to_a_limit_and_follow_retry_after():
    def rest(status, consecutive, retry_after_s=None):
        answer = failure(status, retry_after_s=retry_after_s)
        return judge(answer, consecutive=consecutive, auto_disable=False).cooldown_s

    assert [rest(500, n) for n in (1, 2, 3)] == [1, 2, 4]
    assert rest(502, 99) == 60
    assert rest(429, 1) == 5
    assert rest(429, 1, 42.0) == rest(503, 1, 42.0) == 42
    assert rest(429, 1, 1e9) == LONGEST_REST_S
    assert rest(400, 1) == 0


def test_the_callers_own_mistakes_do_not_count():
    assert not judge(failure(400), consecutive=1, auto_disable=True).counts_as_failure
    assert not judge(failure(500, local=True), consecutive=1, auto_disable=True).counts_as_failure
    assert judge(failure(503), consecutive=1, auto_disable=True).counts_as_failure


def test_the_success_rate_is_judged_over_a_full_window_only():
    window = SuccessWindow(size=4, threshold=0.75)
    assert [window.add(ok) for ok in (False, False, True)] == [None, None, None]
    assert window.add(False) == 0.25
    assert [window.add(ok) for ok in (True, True, True, False)] == [None, None, None, None]
    assert window.add(False) == 0.5
