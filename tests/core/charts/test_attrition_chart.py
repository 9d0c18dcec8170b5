import pandas as pd

from core.charts.attrition_chart import attrition_chart

ATTRITION = pd.DataFrame(
    [
        ("All patients", 0, 0, 51, 0, 20),
        ("分期: Later", 20, 0, 31, 5, 15),
        ("Dialysis status: Transplant", 8, 2, 23, 6, 9),
        ("Age: 20 to 90 years", 0, 0, 23, 0, 9),
    ],
    columns=["criterion", "n_excluded", "n_missing", "n_remaining", "events_excluded", "events_remaining"],
)


def test_each_step_says_who_remains_and_who_was_left_out(validated):
    chart = attrition_chart(ATTRITION, events="deaths")
    validated(chart)
    assert chart.spec["datasets"]["steps"]["detail"].tolist() == [
        "51 patients (20 deaths)",
        "31 remain (15 deaths); 20 left out (5 deaths)",
        "23 remain (9 deaths); 8 left out (6 deaths, 2 not recorded)",
        "23 remain (9 deaths); nobody left out",
    ]
    assert "分期: Later: 31 remain" in chart.alt


def test_a_bar_is_as_long_as_those_before_the_step():
    steps = attrition_chart(ATTRITION).spec["datasets"]["steps"]
    assert steps["before"].tolist() == [51, 51, 31, 23]
    assert steps["remaining"].tolist() == [51, 31, 23, 23]


def test_the_shorter_frame_is_enough():
    frame = ATTRITION[["criterion", "n_excluded", "n_remaining", "events_excluded"]]
    assert attrition_chart(frame).spec["datasets"]["steps"]["detail"].iloc[1] == "31 remain; 20 left out (5 events)"
