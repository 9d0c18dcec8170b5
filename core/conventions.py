"""Every statistical choice of CalciScope, once, with its reason.

The Methods page prints CONVENTIONS, which is built from the constants below, so that what is said and what is done
cannot drift apart.
"""

from dataclasses import dataclass

DAYS_PER_MONTH = 30.4375  # 365.25 / 12
CONF_LEVEL = 0.95
CONF_TYPE = "log-log"  # of a survival curve; keeps the limits inside 0 and 1 and is sound in small samples
CONF_TYPES = ("log-log", "log", "plain")
TIES = "efron"
TIE_TOLERANCE = 1.4901161193847656e-08  # square root of the machine epsilon, as R's timefix
QUANTILE_TOLERANCE = 1.4901161193847656e-08
COX_TOLERANCE = 1e-9  # on the log partial likelihood, absolute and relative
EVENTS_PER_COEFFICIENT = 10  # below it a caution is shown
EVENTS_PER_COEFFICIENT_REFUSED = 5  # below it a model of several covariates is refused
SMALL_STRATUM = 5  # below it a stratum is drawn with a caution and no p value is shown
SMALL_RISK_SET = 5  # beyond the last time with so many at risk a curve is drawn lighter
SMALL_EXPECTED_COUNT = 5  # below it in any cell of a table Fisher's exact test takes the place of the chi-square test
EARLY_WINDOW_MONTHS = 6


@dataclass(frozen=True)
class Convention:
    """One row of the Methods page: what is meant, what is done, and why."""

    topic: str
    choice: str
    reason: str


CONVENTIONS: tuple[Convention, ...] = (
    Convention(
        "Time unit",
        f"Months of {DAYS_PER_MONTH} days; dates are kept to the day.",
        "Equal days stay equal times, so that ties are ties.",
    ),
    Convention(
        "Time zero",
        "The date of diagnosis. The clock can also run from the onset of lesions; patients then enter at diagnosis.",
        "Nobody is in the registry before diagnosis: counting the time before it as survived would flatter survival.",
    ),
    Convention(
        "At risk at time t",
        "Entered before t and followed to t or longer. A patient censored at t still counts at t.",
        "The rule of R's survival package; the table below a curve shows the number just before t.",
    ),
    Convention(
        "Tied times",
        f"Times that differ by less than one part in {1 / TIE_TOLERANCE / 1e6:.0f} million are the same time.",
        "Computed times can differ in the last digit although the days are equal.",
    ),
    Convention(
        "Deaths on the day of diagnosis",
        "Kept: the curve then starts below 100%. With the clock from onset a patient followed for no time at all "
        "cannot enter and is counted as left out.",
        "Leaving early deaths out would flatter survival.",
    ),
    Convention(
        "Survival curve",
        f"Kaplan-Meier with Greenwood's variance; {CONF_LEVEL:.0%} limits for each time on its own, {CONF_TYPE} scale by "
        "default. No limits are shown before the first event or once the curve has reached 0%.",
        "The log-log scale keeps the limits inside 0 and 100% and behaves best in small cohorts.",
    ),
    Convention(
        "Median and other quantiles",
        "The first time at which the curve falls below the level; where it runs exactly on the level, the middle of that "
        'stretch. Otherwise the words "not reached".',
        "R's rule. Its interval comes from the limits of the curve.",
    ),
    Convention(
        "Follow-up",
        "Median by the reverse Kaplan-Meier method: being censored is the event.",
        "The plain median of the observed times is shortened by the deaths.",
    ),
    Convention(
        "Comparison of curves",
        "Log-rank test with the hypergeometric variance.",
        "The standard test when hazards are roughly proportional.",
    ),
    Convention(
        "Competing events",
        "Cumulative incidence by Aalen and Johansen; its standard error by the delta method, with the limits on the scale of "
        "the curve. Deaths are never counted as resolution, and overall mortality is never censored at resolution.",
        "Death makes resolution impossible: one minus Kaplan-Meier would treat the dead as if they could still heal. "
        "Resolution does not prevent death.",
    ),
    Convention(
        "Comparison of cumulative incidences",
        "Gray's test (rho 0). Not for the clock from onset: it is not defined for patients who enter late.",
        "The log-rank test compares cause-specific hazards, which is another question.",
    ),
    Convention(
        "Cause-specific and subdistribution hazard ratios",
        f"Cause-specific: Cox model with {TIES.capitalize()}'s ties, competing events censored. Subdistribution: Fine and "
        "Gray's model with Breslow's ties and its robust standard error.",
        "The first asks what goes with the rate of the event, the second what goes with how many have had it by then.",
    ),
    Convention(
        "States",
        "What happened first counts: resolution, or death without it. A death after resolution is a death in overall "
        "mortality and stays resolved among the states.",
        "Each patient is in one state at a time, so that the shares add up to 100%.",
    ),
    Convention(
        "Hazard ratios",
        f"Cox model, {TIES.capitalize()}'s method for ties (Breslow's offered), Wald intervals at {CONF_LEVEL:.0%}, iterated "
        "until the log partial likelihood changes by less than one part in a billion.",
        "Efron's method is close to the exact likelihood when several patients die on the same day.",
    ),
    Convention(
        "Few events",
        f"A caution below {EVENTS_PER_COEFFICIENT} events per coefficient. Where the likelihood has no maximum (every event "
        "in one group, for example) the ratio is called not estimable.",
        "With few events a ratio is unstable, and a program that stops early prints a number for one that is not there.",
    ),
    Convention(
        "Small groups",
        f"Below {SMALL_STRATUM} patients in a group no p value is shown; where fewer than {SMALL_RISK_SET} are at risk the "
        "curve is drawn lighter.",
        "One more patient could move the result anywhere.",
    ),
    Convention(
        "Table 1",
        "Mean and standard deviation or median and quartiles (R's type 7), as the dictionary says; counts as a percentage of "
        "the recorded values. Tests, when asked for: Welch's t test or Welch's analysis of variance for means, Wilcoxon "
        "rank-sum test (normal approximation with continuity correction) or Kruskal-Wallis test for medians, chi-square test "
        f"without Yates' correction, Fisher's exact test where an expected count is below {SMALL_EXPECTED_COUNT}.",
        "Welch's tests do not assume equal spread in the groups, and the exact test needs no large cells.",
    ),
    Convention(
        "Difference between groups",
        "Standardised mean difference without its sign: the difference of means over the root of the average variance, and "
        "its multinomial form for categories (Yang and Dalton 2012). With more than two groups the average over all pairs.",
        "Unlike a p value it does not grow with the number of patients.",
    ),
    Convention(
        "Completeness of follow-up",
        "Observed person-time over the person-time that was possible up to the data cut-off; whoever has died was followed "
        "as long as possible (Clark, Altman and De Stavola 2002). The cut-off is the last date in the whole registry.",
        "Patients who are lost may fare differently from those who are seen again.",
    ),
    Convention(
        "Missing values",
        "Each analysis uses the patients that have what it needs and says how many it left out. Missing is never a group.",
        "A group of missing values has no meaning of its own, and a patient dropped in silence is a wrong number.",
    ),
    Convention(
        "Grouping by what happens after diagnosis",
        "Filters and groups on treatment courses or later complications are marked wherever they are used.",
        "A patient must live long enough to be treated: the group contains time in which nobody could die.",
    ),
    Convention(
        "What begins during follow-up",
        "Exposed from the day after its date on, not exposed before (start-stop rows, time-dependent Cox model; Mantel-Byar "
        "test; Simon-Makuch curves). A course counts from its first day by default. Beside it a landmark analysis, and in grey "
        "the naive one. Whoever is not known to be exposed or when is left out and counted.",
        "An event on the day of an exposure cannot be due to it, and a course that death cuts short must not be blamed for it.",
    ),
    Convention(
        "Models with exposures",
        f"Refused below {EVENTS_PER_COEFFICIENT_REFUSED} events for each coefficient.",
        "With fewer the ratios are too large and the intervals too narrow.",
    ),
    Convention(
        "An exposure without effect",
        "Follow-up and the dates of exposures stay; at each date one of those still followed and not yet exposed is drawn, all "
        "with the same chance (the resolved too). The seed is in the link.",
        "Shows how much of a ratio comes from the way of counting alone.",
    ),
)
