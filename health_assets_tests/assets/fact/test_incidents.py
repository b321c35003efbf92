"""Incidents on the evening of the as-of day."""

from datetime import date, datetime, timedelta

from health_assets_tests.assets.rows import AS_OF, made, rows

DETECTED = datetime(2025, 1, 10, 12)
YESTERDAY = AS_OF - timedelta(days=1)


def incident(**given) -> dict:
    return {
        "incident_id": "1", "account_id": "A", "severity": "high", "detected_at": DETECTED,
        "detected_date": given.get("detected_at", DETECTED).date(),
    } | given  # fmt: skip


def after(minutes: float) -> datetime:
    return DETECTED + timedelta(minutes=minutes)


def known(*incidents: dict, as_of: date = AS_OF) -> list[dict]:
    return made(
        "fact_incidents", staged_security_incidents=rows("staged_security_incidents", *incidents), as_of=as_of
    ).to_dicts()


def test_minutes_run_from_beginning_to_detection_and_from_detection_on() -> None:
    row = known(incident(occurred_at=after(-30), responded_at=after(12.5), contained_at=after(150)))[0]
    assert (row["minutes_to_detect"], row["minutes_to_respond"], row["minutes_to_contain"]) == (30, 12.5, 150)


def test_moments_out_of_order_have_no_minutes() -> None:
    row = known(incident(occurred_at=after(1), responded_at=after(-1), contained_at=after(-1)))[0]
    assert (row["minutes_to_detect"], row["minutes_to_respond"], row["minutes_to_contain"]) == (None, None, None)
    assert row["is_within_sla"] is None


def test_exactly_on_the_target_is_within_it() -> None:
    # critical 5, high 20, medium 60 minutes; low has no target
    targets = {"critical": 5, "high": 20, "medium": 60}
    for severity, minutes in targets.items():
        assert known(incident(severity=severity, responded_at=after(minutes)))[0]["is_within_sla"] is True
        assert known(incident(severity=severity, responded_at=after(minutes + 0.1)))[0]["is_within_sla"] is False
    assert known(incident(severity="low", responded_at=after(1), worked_within_sla=True))[0]["is_within_sla"] is None
    assert known(incident(severity=None, responded_at=after(1)))[0]["is_within_sla"] is None


def test_without_moments_of_response_the_file_says_whether_it_was_in_time_from_the_first_load_on() -> None:
    assert known(incident(worked_within_sla=True))[0]["is_within_sla"] is True
    assert known(incident(worked_within_sla=False))[0]["is_within_sla"] is False
    assert known(incident(worked_within_sla=True), as_of=YESTERDAY)[0]["is_within_sla"] is None
    assert known(incident())[0]["is_within_sla"] is None


def test_the_minutes_decide_where_both_are_given() -> None:
    assert known(incident(responded_at=after(21), worked_within_sla=True))[0]["is_within_sla"] is False


def test_an_unanswered_incident_is_late_from_its_deadline_on_where_responses_are_exported() -> None:
    midnight = datetime(2025, 2, 1)
    answered = incident(incident_id="2", responded_at=after(1))
    at_the_deadline = incident(detected_at=midnight - timedelta(minutes=20))
    still_inside = incident(detected_at=midnight - timedelta(minutes=19))
    assert [row["is_within_sla"] for row in known(at_the_deadline, answered)] == [False, True]
    assert [row["is_within_sla"] for row in known(still_inside, answered)] == [None, True]


def test_what_happens_after_the_as_of_day_is_not_known_yet() -> None:
    later = incident(
        responded_at=datetime(2025, 1, 31, 9), contained_at=datetime(2025, 1, 31, 9), is_false_positive=True,
        worked_within_sla=True,
    )  # fmt: skip
    row = known(later, as_of=YESTERDAY)[0]
    assert (row["responded_at"], row["contained_at"], row["minutes_to_respond"]) == (None, None, None)
    assert (row["is_false_positive"], row["is_within_sla"]) == (None, False)  # unanswered, and the target is past
    assert known(later)[0]["is_false_positive"] is True
    assert known(incident(detected_at=datetime(2025, 1, 31)), as_of=YESTERDAY) == []


def test_a_false_positive_without_containment_is_known_from_the_first_load_on() -> None:
    assert known(incident(is_false_positive=True))[0]["is_false_positive"] is True
    assert known(incident(is_false_positive=True), as_of=YESTERDAY)[0]["is_false_positive"] is None


def test_a_source_that_is_not_connected_gives_no_incidents() -> None:
    assert known() == []


def test_an_answer_whose_moment_is_not_exported_is_never_late_by_the_moments_of_others() -> None:
    flagged, answered = incident(worked_within_sla=True), incident(incident_id="2", responded_at=after(1))
    assert known(flagged, answered)[0]["is_within_sla"] is True
    assert known(flagged, answered, as_of=YESTERDAY)[0]["is_within_sla"] is None


def test_a_false_positive_contained_after_the_day_is_not_known_to_be_one_on_it() -> None:
    later = incident(is_false_positive=True, contained_at=datetime(2025, 2, 1))
    assert known(later)[0]["is_false_positive"] is None
    assert known(later | {"contained_at": None})[0]["is_false_positive"] is True
