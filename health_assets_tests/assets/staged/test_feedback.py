"""Survey responses as files have them."""

from pathlib import Path

from health_assets.assets.staged.feedback import staged_feedback
from health_assets_tests.assets.rows import rows
from health_assets_tests.frames import settings_of


def test_a_satisfaction_of_1_to_10_is_brought_to_1_to_5(tmp_path: Path) -> None:
    company = settings_of(
        tmp_path, sources={"feedback": {"path": "feedback.csv", "scale": {"satisfaction_score": [1, 10]}}}
    )
    given = ({"satisfaction_score": score, "nps_score": "10"} for score in ("1", "5.5", "10"))
    made = staged_feedback(rows("raw_feedback", *given), company).collect()
    assert made["satisfaction_score"].to_list() == [1, 3, 5]  # 1 + (5.5 - 1) x 4 / 9 = 3
    assert made["nps_score"].to_list() == [10, 10, 10]
