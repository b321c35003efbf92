"""Scorecards: each method by a worked example, and what must hold for any signals."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_assets import settings
from health_assets.assets.mart.health.customer_health_daily import scorable_columns
from health_assets.scoring.measures import measure_score
from health_assets.scoring.scorecard_names import check_scorecards
from health_assets.scoring.scorecards import low_bands, reads_scored_accounts_alone, scored
from health_assets.scoring.signals import with_connections
from health_assets.settings.scorecard import Measure, Scorecard

DAY = date(2025, 1, 31)
BANDS = {"healthy": 80, "neutral": 60, "at_risk": 40, "critical": 0}


def signals(**columns: list[Any]) -> pl.LazyFrame:
    """One day's signals of accounts a1, a2, ..."""
    count = len(next(iter(columns.values())))
    return pl.LazyFrame(
        {"account_id": [f"a{n}" for n in range(1, count + 1)], "as_of_date": [DAY] * count, "is_scored": True}
        | columns,
        strict=False,
    )


def points(measure: Measure, frame: pl.LazyFrame) -> list[float | None]:
    return frame.select(points=measure_score(measure)).collect()["points"].to_list()


def linear(metric: str, weight: float = 1, **options: Any) -> dict[str, Any]:
    return {"metric": metric, "weight": weight, "method": "linear", "worst": 0, "best": 100} | options


def scorecard(**changes: Any) -> Scorecard:
    """Usage 0.75 and support 0.25, each a single metric that is its own score."""
    dimensions = {
        "usage": {"weight": 0.75, "measures": {"u": linear("u")}},
        "support": {"weight": 0.25, "measures": {"s": linear("s")}},
    }
    options = {"min_coverage": 0.5, "min_measures": 1, "bands": BANDS, "dimensions": dimensions}
    return Scorecard.model_validate(options | changes)


@pytest.mark.parametrize(
    ("accounts", "alone"),
    [
        ("is_scored", True),
        ("is_scored and mrr > 100 and segment = 'smb'", True),
        ("mrr > 100 and is_scored", True),
        ("is_scored and segment = 'smb' or mrr > 100", False),
        ("crm_status = 'active'", False),
    ],
)
def test_filter_that_requires_a_scored_account_reads_no_other(accounts: str, alone: bool) -> None:
    assert reads_scored_accounts_alone(scorecard(accounts=accounts)) is alone


def test_quartiles_read_all_accounts() -> None:
    quarters = {"metric": "u", "weight": 1, "method": "quartile"}
    assert not reads_scored_accounts_alone(scorecard(dimensions={"usage": {"weight": 1, "measures": {"u": quarters}}}))


def test_linear_is_clipped_and_runs_either_way() -> None:
    rising = Measure(metric="x", weight=1, method="linear", worst=50, best=90)
    falling = Measure(metric="x", weight=1, method="linear", worst=30, best=2)
    assert points(rising, signals(x=[40, 50, 70, 95, None])) == [0, 0, 50, 100, None]
    assert points(falling, signals(x=[1, 2, 16, 31])) == [100, 100, 50, 0]


def test_first_step_that_holds_scores() -> None:
    steps = [{"when": "x > 0", "score": 100}, {"when": "x > -50 and coalesce(y, 5) >= 4", "score": 30}]
    measure = Measure.model_validate({"metric": "x", "weight": 1, "method": "steps", "missing": 50, "steps": steps})
    assert points(measure, signals(x=[1, 0, 0, -60, None], y=[None, None, 3, 5, 5])) == [100, 30, None, None, 50]


def test_quartile_gives_the_first_groups_the_remainder_and_ties_to_the_lower_account() -> None:
    measure = Measure(metric="x", weight=1, method="quartile", missing=0)
    assert points(measure, signals(x=[5, 5, None, 7, 1, 2])) == [50, 75, 0, 100, 25, 25]
    assert points(measure, signals(x=[3, 1])) == [50, 25]


def test_quartile_runs_over_accounts_that_are_not_scored() -> None:
    quartiles = {"usage": {"weight": 1, "measures": {"u": {"metric": "u", "weight": 1, "method": "quartile"}}}}
    frame = signals(u=[1, 2, 3, 4], is_scored=[True, True, False, True])
    assert scored(frame, scorecard(dimensions=quartiles)).collect()["health_score"].to_list() == [25, 50, 100]


def test_missing_dimension_leaves_its_weight_to_the_others() -> None:
    found = scored(signals(u=[60, 60], s=[100, None]), scorecard()).collect()
    assert found["health_score"].to_list() == [70, 60]
    assert found["coverage"].to_list() == [1, 0.75]
    assert found["usage_contribution"].to_list() == [45, 60]
    assert found["support_contribution"].to_list() == [25, None]


def test_too_little_coverage_gives_no_score() -> None:
    found = scored(signals(u=[None, 50], s=[100, None]), scorecard()).collect()
    assert found.select("health_score", "health_band", "coverage", "support_contribution").rows() == [
        (None, "unknown", 0.25, None), (50, "at_risk", 0.75, None),
    ]  # fmt: skip


def test_coverage_is_of_the_connected_measures_and_breadth_says_how_many_those_are() -> None:
    # s is measured for nobody, so it is not connected: u is all there is
    found = scored(signals(u=[60, None], s=[None, None]), scorecard()).collect()
    assert found.select("health_score", "coverage", "breadth").rows() == [(60, 1, 0.75), (None, 0, 0.75)]


def test_signal_once_measured_stays_connected_while_its_feed_is_silent() -> None:
    begun = pl.LazyFrame({"signal": ["u", "s", "u"], "first_date": [date(2025, 1, 3), DAY, date(2024, 12, 1)]})
    rows = with_connections(signals(u=[None], s=[100]), begun, {"u", "s"})
    assert scored(rows, scorecard()).collect().select("health_score", "coverage", "breadth").rows() == [(None, 0.25, 1)]
    later = begun.with_columns(pl.col("first_date").dt.offset_by("1y"))
    rows = with_connections(signals(u=[None], s=[100]), later, {"u", "s"})
    assert scored(rows, scorecard()).collect().select("health_score", "coverage", "breadth").rows() == [(100, 1, 0.25)]


def test_one_measure_is_too_few_for_a_score_unless_the_scorecard_has_no_more() -> None:
    two = scorecard(min_measures=2)
    assert scored(signals(u=[60, 60], s=[None, 80]), two).collect()["health_score"].to_list() == [None, 65]
    alone = scorecard(min_measures=2, dimensions={"usage": {"weight": 1, "measures": {"u": linear("u")}}})
    assert scored(signals(u=[60]), alone).collect()["health_score"].to_list() == [60]


def test_weights_are_any_positive_numbers() -> None:
    dimensions = {
        "usage": {"weight": 30, "measures": {"u": linear("u", 3), "v": linear("v", 1)}},
        "support": {"weight": 10, "measures": {"s": linear("s", 7)}},
    }
    # usage (3 x 40 + 1 x 80) / 4 = 50; (30 x 50 + 10 x 90) / 40 = 60
    found = scored(signals(u=[40], v=[80], s=[90]), scorecard(dimensions=dimensions)).collect()
    assert found.select("usage_score", "health_score", "usage_contribution", "coverage").rows() == [(50, 60, 37.5, 1)]
    # without v: usage 40, and v carries 30 / 40 x 1 / 4 of all
    found = scored(signals(u=[40, 0], v=[None, 0], s=[90, 0]), scorecard(dimensions=dimensions)).collect()
    assert found.select("health_score", "coverage").row(0) == (52.5, 0.8125)
    with pytest.raises(ValueError, match="greater than 0"):
        scorecard(dimensions={"usage": {"weight": 0, "measures": {"u": linear("u")}}})


def test_dimensions_may_have_any_name_even_health() -> None:
    dimensions = {
        "health": {"weight": 1, "measures": {"u": linear("u")}},
        "advocacy": {"weight": 1, "measures": {"s": linear("s")}},
        "support": {"weight": 2, "measures": {"v": linear("v")}},
    }
    row = scored(signals(u=[40], s=[80], v=[100]), scorecard(dimensions=dimensions)).collect().to_dicts()[0]
    assert (row["health_score"], row["other_contribution"], row["support_contribution"]) == (80, 30, 50)
    assert list(row["measure_scores"].values())[:4] == [40, 80, 100, None]


def test_measure_counts_only_where_its_condition_holds() -> None:
    only = {"usage": {"weight": 1, "measures": {"u": linear("u")}}, "support": {
        "weight": 1, "measures": {"s": linear("s", where="v > 0")}}}  # fmt: skip
    found = scored(signals(u=[60, 60, 60], s=[100, 100, 100], v=[1, 0, None]), scorecard(dimensions=only)).collect()
    assert found["health_score"].to_list() == [80, 60, 60]


def test_adjustments_add_points_or_replace_the_score_in_turn() -> None:
    adjusted = scorecard(adjustments=[{"when": "s > 90", "add": 10}, {"when": "v = 1", "score": 20}])
    found = scored(signals(u=[60, 98, 60, None], s=[94, 100, 90, None], v=[0, 0, 1, 1]), adjusted).collect()
    # .75 x 60 + .25 x 94 = 68.5 + 10; 98.5 + 10 is kept within 100; replaced by 20; nothing to replace without a score
    assert found["health_score"].to_list() == [78.5, 100, 20, None]
    assert found["rounding_difference"].to_list() == [10, 1.5, -47.5, None]
    with pytest.raises(ValueError, match="either `add`"):
        scorecard(adjustments=[{"when": "s > 90", "add": 10, "score": 5}])


def test_coverage_is_counted_at_the_measures() -> None:
    halves = {"usage": {"weight": 1, "measures": {"u": linear("u", 0.4), "v": linear("v", 0.6)}}}
    found = scored(signals(u=[80, 0], v=[None, 0]), scorecard(dimensions=halves, min_coverage=0.4)).collect()
    assert found.select("health_score", "coverage").row(0) == (80, 0.4)


def test_metric_that_no_source_brings_is_not_measured() -> None:
    assert scored(signals(u=[60]), scorecard()).collect()["support_score"].to_list() == [None]


def test_score_on_the_floor_of_a_band_belongs_to_it_in_spite_of_floating_point() -> None:
    weights = {"usage": 0.3, "support": 0.2, "revenue": 0.25, "adoption": 0.25}
    dimensions = {name: {"weight": weight, "measures": {name: linear(name)}} for name, weight in weights.items()}
    found = scored(
        signals(usage=[75], support=[100], revenue=[100], adoption=[50]), scorecard(dimensions=dimensions)
    ).collect()
    assert found.select("health_score", "health_band").rows() == [(80, "healthy")]


def test_rounded_score_is_banded_and_the_difference_is_kept() -> None:
    found = scored(signals(u=[59.95], s=[59.95]), scorecard(decimals=1)).collect()
    assert found.select("health_score", "health_band").rows() == [(60.0, "neutral")]
    assert found["rounding_difference"].item() == pytest.approx(0.05)


TRAFFIC_LIGHT = {"green": 70, "yellow": 50, "red": 0}


def test_low_bands_are_those_that_the_scorecard_names() -> None:
    card = scorecard(bands=TRAFFIC_LIGHT, low_bands=["yellow", "red"])
    found = scored(signals(u=[90, 60, 10, None], s=[90, 60, 10, None]), card).collect()
    assert found.select("health_band", "is_low_band").rows() == [
        ("green", False), ("yellow", True), ("red", True), ("unknown", None),
    ]  # fmt: skip
    chosen = settings.load(settings.DEFAULTS).model_copy(update={"scorecard": "ours", "scorecards": {"ours": card}})
    assert low_bands(chosen) == ["yellow", "red"]


def test_a_band_may_say_itself_that_it_is_low() -> None:
    card = scorecard(bands={"green": 70, "yellow": {"from": 50}, "red": {"from": 0, "low": True}})
    assert (card.bands, card.low_bands) == (TRAFFIC_LIGHT, ["red"])


def test_low_bands_are_never_guessed_from_their_names() -> None:
    assert scorecard().low_bands == []


def test_low_band_that_does_not_exist_is_rejected_with_a_near_name() -> None:
    with pytest.raises(ValueError, match=r"low_bands: 'yelow' is not a band; did you mean 'yellow'\?"):
        scorecard(bands=TRAFFIC_LIGHT, low_bands=["yelow"])
    with pytest.raises(ValueError, match="bands: 'red: lo' is not a setting"):
        scorecard(bands={"green": 70, "red": {"from": 0, "lo": True}})


def test_low_bands_do_not_change_the_version_since_they_change_no_score() -> None:
    assert scorecard(low_bands=["critical"]).version == scorecard().version


measured = st.none() | st.floats(min_value=-50, max_value=150)


@given(st.lists(st.tuples(measured, measured), min_size=1, max_size=5))
def test_contributions_sum_to_the_score_which_lies_within_its_dimensions(rows: list[tuple[float | None, ...]]) -> None:
    frame = signals(u=[u for u, _ in rows], s=[s for _, s in rows]).cast({"u": pl.Float64, "s": pl.Float64})
    for row in scored(frame, scorecard(min_coverage=0)).collect().to_dicts():
        parts = [part for part in ("usage", "support") if row[f"{part}_score"] is not None]
        if not parts:
            assert row["health_score"] is None
            continue
        assert sum(row[f"{part}_contribution"] for part in parts) == pytest.approx(row["health_score"], abs=1e-6)
        scores = [row[f"{part}_score"] for part in parts]
        assert min(scores) - 1e-6 <= row["health_score"] <= max(scores) + 1e-6


@pytest.mark.parametrize("name", sorted(settings.load(settings.DEFAULTS).scorecards))
def test_shipped_scorecard_without_any_signal_gives_no_error(name: str) -> None:
    shipped = settings.load(settings.DEFAULTS).scorecards[name]
    frame = signals(is_scored=[True]).with_columns(crm_status=pl.lit("active"))
    assert scored(frame, shipped).collect().height == 1


CYBERSECURITY = settings.load(settings.DEFAULTS).scorecards["cybersecurity"]


def cybersecurity(**columns: Any) -> dict[str, Any]:
    """The published score of the security provider for one account; signals that are not given are not measured."""
    given_columns = {name: [value] for name, value in columns.items()} or {"nps_rating": [None]}
    return scored(signals(**given_columns), CYBERSECURITY).collect().to_dicts()[0]


def test_the_cybersecurity_score_by_hand() -> None:
    # usage .8 x 50 + .6 x 50 = 70; support 4.5 x 20 - 5 x 2 = 80; security 100 - 5 x 3 - 2 x 1 = 83; NPS 9 x 10 = 90
    # .30 x 70 + .25 x 80 + .25 x 83 + .20 x 90 = 21 + 20 + 20.75 + 18 = 79.75
    row = cybersecurity(
        feature_adoption_score=0.8, license_utilization=0.6, ticket_count_to_date=4, mean_csat_to_date=4.5,
        escalated_ticket_count_to_date=2, incident_count_to_date=3, false_positive_count_to_date=1, nps_rating=9.0,
    )  # fmt: skip
    parts = ("usage_score", "support_score", "security_score", "satisfaction_score", "health_score")
    assert [round(row[part], 9) for part in parts] == [70, 80, 83, 90, 79.75]
    assert (row["health_band"], row["coverage"], round(row["rounding_difference"], 9)) == ("champion", 1, 0)


def test_in_the_cybersecurity_score_no_tickets_and_no_incidents_are_100_and_all_else_that_is_missing_0() -> None:
    # .25 x 100 + .25 x 100 = 50
    row = cybersecurity()
    assert (row["usage_score"], row["support_score"], row["security_score"], row["satisfaction_score"]) == (
        0, 100, 100, 0,
    )  # fmt: skip
    assert (row["health_score"], row["health_band"]) == (50, "healthy")
    assert cybersecurity(ticket_count_to_date=0, incident_count_to_date=0)["health_score"] == 50


def test_in_the_cybersecurity_score_tickets_without_a_rating_count_0_less_their_escalations() -> None:
    # support 0 x 20 - 5 x 3 = -15; .25 x -15 + .25 x 100 = 21.25
    row = cybersecurity(ticket_count_to_date=3, escalated_ticket_count_to_date=3)
    assert (row["support_score"], row["health_score"], row["health_band"]) == (-15, 21.25, "at_risk")


def test_in_the_cybersecurity_score_only_the_total_is_kept_inside_0_and_100() -> None:
    # usage 1 x 50 + 3 x 50 = 200, support 100, security 100, NPS 100: .3 x 200 + 25 + 25 + 20 = 130 -> 100
    row = cybersecurity(feature_adoption_score=1.0, license_utilization=3.0, nps_rating=10.0)
    assert (row["usage_score"], row["usage_contribution"]) == (200, 60)
    assert (row["health_score"], row["rounding_difference"]) == (100, -30)
    # security 100 - 5 x 50 = -150: 25 + .25 x -150 = -12.5 -> 0
    low = cybersecurity(incident_count_to_date=50)
    assert (low["security_score"], low["health_score"], low["rounding_difference"]) == (-150, 0, 12.5)
    assert low["health_band"] == "at_risk"


@pytest.mark.parametrize(
    ("incidents", "score", "band"), [(8, 40, "at_risk"), (7, 41.25, "healthy")]
)  # 25 + .25 x (100 - 5 n)
def test_a_cybersecurity_score_of_40_is_still_at_risk(incidents: int, score: float, band: str) -> None:
    row = cybersecurity(incident_count_to_date=incidents)
    assert (row["health_score"], row["health_band"]) == (score, band)


def test_a_cybersecurity_score_of_70_is_still_healthy() -> None:
    # 25 + 25 + .20 x 100 = 70; with utilization .1: + .3 x 5 = 71.5
    assert (cybersecurity(nps_rating=10.0)["health_score"], cybersecurity(nps_rating=10.0)["health_band"]) == (
        70, "healthy",
    )  # fmt: skip
    assert cybersecurity(nps_rating=10.0, license_utilization=0.1)["health_band"] == "champion"


def test_a_formula_belongs_to_a_formula_measure() -> None:
    for method in ({"method": "formula"}, {"method": "linear", "worst": 0, "best": 1, "formula": "x"}):
        with pytest.raises(ValueError, match="formula"):
            Measure.model_validate({"metric": "x", "weight": 1} | method)


def refused(known: set[str], **changes: Any) -> list[str]:
    """The lines of the refusal of a company that has one scorecard and the default filters."""
    ours = {"scorecard": "ours", "scorecards": {"ours": scorecard(**changes)}}
    chosen = settings.load(settings.DEFAULTS).model_copy(update=ours)
    with pytest.raises(settings.SettingsError) as refusal:
        check_scorecards(chosen, known)
    return [line.strip() for line in str(refusal.value).splitlines()[1:]]


@pytest.mark.parametrize("shipped", ["standard", "novacrm"])
def test_scorecards_that_ship_name_only_what_tables_bring(shipped: str) -> None:
    chosen = settings.load(settings.DEFAULTS).model_copy(update={"scorecard": shipped})
    check_scorecards(chosen, scorable_columns())


def test_metric_that_no_table_has_is_rejected_with_place_and_near_name() -> None:
    assert refused({"u", "support_calls", "is_scored"}, dimensions={
        "usage": {"weight": 0.75, "measures": {"u": linear("u")}},
        "support": {"weight": 0.25, "measures": {"s": linear("support_call")}},
    }) == [
        "scorecards.ours.dimensions.support.measures.s.metric: no table has a signal 'support_call'; "
        "did you mean 'support_calls'?"
    ]  # fmt: skip


def test_every_wrong_name_in_conditions_and_filters_is_told_at_once() -> None:
    steps = {"metric": "u", "weight": 1, "method": "steps", "steps": [{"when": "u > 1 and uu > 1", "score": 5}]}
    said = refused({"u"}, accounts="is_scred", dimensions={"usage": {"weight": 1, "measures": {"u": steps}}})
    assert [line.split(":")[0] for line in said] == [
        "scorecards.ours.accounts",
        "scorecards.ours.dimensions.usage.measures.u.steps.0.when",
    ]


def test_condition_that_is_no_sql_is_rejected_at_its_place() -> None:
    (said,) = refused({"u", "s"}, accounts="segment = = 1")
    assert said.startswith("scorecards.ours.accounts: 'segment = = 1' cannot be read as SQL")
