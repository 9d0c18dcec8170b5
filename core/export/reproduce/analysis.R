# Computes the numbers of the view again, from data.csv alone, and compares them with expected.json.
#
# Run it in the folder it came in:  Rscript analysis.R
# Needs R 4.0 or later with survival (3.0 or later), cmprsk and jsonlite: install.packages(c("survival", "cmprsk", "jsonlite"))
#
# survival computes curves, tests and Cox models; cmprsk Gray's test and Fine and Gray's model. What they do not have (tests
# with late entry or other weights, the variance of an incidence with late entry) is written out below. view.json holds
# the choices of the view: the columns to use, the times to read off, the kind of interval.

suppressMessages({
  library(survival)
  library(cmprsk)
  library(jsonlite)
})

DAYS_PER_MONTH <- 30.4375
VIEW <- fromJSON("view.json", simplifyVector = FALSE)
EXPECTED <- fromJSON("expected.json", simplifyVector = FALSE)
found <- list()

# Keeps a number that was computed, under its name in expected.json.
note <- function(value, ...) found[[paste(..., sep = "; ")]] <<- as.numeric(value)

# --- data -------------------------------------------------------------------------------------------------------------

read_data <- function() {
  text <- unlist(VIEW$text_columns)
  data <- read.csv("data.csv", check.names = FALSE, na.strings = "", encoding = "UTF-8", comment.char = "",
                   colClasses = setNames(rep("character", length(text)), text))
  data$time <- data$time_days / DAYS_PER_MONTH
  if (VIEW$late_entry) data[["entry"]] <- data$entry_days / DAYS_PER_MONTH
  mark <- VIEW$landmark
  if (mark > 0) {  # whoever is still followed at the landmark; the clock restarts there
    data <- data[data$time > mark, ]
    data$time <- data$time - mark
    if (VIEW$late_entry) {
      if (any(data[["entry"]] > mark)) data[["entry"]] <- pmax(data[["entry"]] - mark, 0) else data[["entry"]] <- NULL
    }
  }
  data
}

# The response of a model: with late entry, patients are at risk from their entry on.
response <- function(d, event) if (is.null(d[["entry"]])) Surv(d$time, event) else Surv(d[["entry"]], d$time, event)
at_risk <- function(d, t) sum((if (is.null(d[["entry"]])) -1 else d[["entry"]]) < t & d$time >= t)

# --- curves -----------------------------------------------------------------------------------------------------------

# The value of a step function at t; nothing beyond the last time.
read_off <- function(times, values, t, start) if (t > max(times)) NA else c(start, values)[findInterval(t, times) + 1]

# When a curve comes to 50%, and its limits do. A curve that ends on 50% but for rounding ends on it.
half <- function(fit) {
  for (part in c("surv", "lower", "upper")) fit[[part]] <- round(fit[[part]], 12)
  quantile(fit, 0.5)
}

curves <- function(data) {
  for (group in VIEW$groups) {
    part <- data[!is.na(data$group) & data$group == group, ]
    fit <- survfit(response(part, part$cause == 1) ~ 1, conf.type = VIEW$interval, conf.int = VIEW$level)
    flat <- fit$surv <= 0 | fit$surv >= 1  # no limits there
    low <- ifelse(flat, NA, fit$lower)
    high <- ifelse(flat, NA, fit$upper)
    middle <- half(fit)
    note(nrow(part), group, "patients")
    note(sum(part$cause == 1), group, "events")
    note(middle$quantile, group, "median (months)")
    note(middle$lower, group, "median, lower limit")
    note(middle$upper, group, "median, upper limit")
    # how long they were followed: being censored is the event
    reverse <- survfit(response(part, part$cause == 0) ~ 1)
    note(half(reverse)$quantile, group, "median follow-up (months)")
    for (t in VIEW$times) {
      where <- sprintf("%g months", t)
      note(at_risk(part, t), group, where, "at risk")
      note(read_off(fit$time, fit$surv, t, 1), group, where, "free of the event")
      note(read_off(fit$time, low, t, NA), group, where, "lower limit")
      note(read_off(fit$time, high, t, NA), group, where, "upper limit")
    }
  }
}

# Limits at each time, from the standard error of the logarithm; none where the estimate is 0 or 1.
limits <- function(estimate, log_se) {
  z <- qnorm(0.5 + VIEW$level / 2)
  width <- z * log_se
  low <- switch(VIEW$interval, plain = pmax(estimate - width * estimate, 0), log = estimate * exp(-width),
                "log-log" = estimate^exp(-width / log(estimate)))
  high <- switch(VIEW$interval, plain = pmin(estimate + width * estimate, 1), log = pmin(estimate * exp(width), 1),
                 "log-log" = estimate^exp(width / log(estimate)))
  inside <- estimate > 0 & estimate < 1
  list(low = ifelse(inside, low, NA), high = ifelse(inside, high, NA))
}

# The standard error of a cumulative incidence by the delta method, at every time.
incidence_se <- function(d, times, k) {
  n <- sapply(times, function(t) at_risk(d, t))
  h <- sapply(times, function(t) sum(d$time == t & d$cause == k)) / n
  H <- sapply(times, function(t) sum(d$time == t & d$cause > 0)) / n
  before <- c(1, cumprod(1 - H))[seq_along(times)]
  incidence <- cumsum(before * h)
  sapply(seq_along(times), function(i) {
    j <- seq_len(i)
    later <- incidence[i] - incidence[j]
    greenwood <- ifelse(H[j] < 1, H[j] / (1 - H[j]), 0)
    sqrt(max(0, sum((before[j]^2 * h[j] * (1 - h[j]) - 2 * before[j] * later * h[j] + later^2 * greenwood) / n[j])))
  })
}

incidence <- function(data) {
  causes <- unlist(VIEW$causes)
  for (group in VIEW$groups) {
    part <- data[!is.na(data$group) & data$group == group, ]
    part$patient <- seq_len(nrow(part))
    fit <- survfit(response(part, factor(part$cause, c(0, causes))) ~ 1, id = part$patient)
    note(nrow(part), group, "patients")
    for (k in causes) {
      estimate <- fit$pstate[, 1 + which(causes == k)]
      se <- incidence_se(part, fit$time, k)
      ci <- limits(estimate, ifelse(estimate > 0, se / estimate, 0))
      note(sum(part$cause == k), group, paste("events of cause", k))
      for (t in VIEW$times) {
        where <- sprintf("%g months", t)
        note(at_risk(part, t), group, where, "at risk")
        note(read_off(fit$time, estimate, t, 0), group, where, paste("incidence of cause", k))
        note(read_off(fit$time, ci$low, t, NA), group, where, paste0("lower limit, cause ", k))
        note(read_off(fit$time, ci$high, t, NA), group, where, paste0("upper limit, cause ", k))
      }
    }
  }
}

# --- tests ------------------------------------------------------------------------------------------------------------

# Observed less expected events by group, weighted and summed over the strata, with the hypergeometric variance.
weighted_logrank <- function(entry, time, event, group, within, test) {
  group <- factor(group)
  K <- nlevels(group)
  difference <- numeric(K)
  covariance <- matrix(0, K, K)
  for (stratum in unique(within)) {
    here <- within == stratum
    s <- 1  # survival of all groups together, just before each time
    for (t in sort(unique(time[here & event]))) {
      n <- as.numeric(table(group[here & entry < t & time >= t]))
      d <- as.numeric(table(group[here & time == t & event]))
      N <- sum(n)
      D <- sum(d)
      w <- switch(test$weights, "log-rank" = 1, gehan = N, "tarone-ware" = sqrt(N), peto = s,
                  "fleming-harrington" = s^test$rho * (1 - s)^test$gamma)
      difference <- difference + w * (d - D * n / N)
      if (N > 1) covariance <- covariance + w^2 * D * (N - D) / (N - 1) * (diag(n / N, K) - outer(n, n) / N^2)
      s <- s * (N - D) / N
    }
  }
  quadratic_form(difference, covariance)
}

quadratic_form <- function(difference, covariance) {
  spread <- sqrt(diag(covariance))
  used <- spread > 1e-9 * max(1, spread)
  spread <- spread[used]
  parts <- eigen(covariance[used, used, drop = FALSE] / outer(spread, spread), symmetric = TRUE)
  kept <- parts$values > 1e-9 * max(parts$values)
  along <- crossprod(parts$vectors[, kept, drop = FALSE], difference[used] / spread)
  list(statistic = sum(along^2 / parts$values[kept]), df = sum(kept))
}

note_test <- function(name, test) {
  note(test$statistic, name, "chi-squared")
  note(test$df, name, "degrees of freedom")
  note(pchisq(test$statistic, test$df, lower.tail = FALSE), name, "p")
}

comparison <- function(data) {
  test <- VIEW$test
  d <- data[!is.na(data$group) & !is.na(data$within), ]
  event <- d$cause == 1
  rho <- c("log-rank" = 0, peto = 1)[test$weights]
  if (is.null(d[["entry"]]) && !is.na(rho)) {  # survdiff has these two
    fit <- if (length(unique(d$within)) > 1) survdiff(Surv(time, event) ~ group + strata(within), d, rho = rho)
           else survdiff(Surv(time, event) ~ group, d, rho = rho)
    expected <- if (is.matrix(fit$exp)) rowSums(fit$exp) else fit$exp
    note_test(test$name, list(statistic = fit$chisq, df = sum(expected > 0) - 1))
  } else {
    entry <- if (is.null(d[["entry"]])) rep(-1, nrow(d)) else d[["entry"]]
    note_test(test$name, weighted_logrank(entry, d$time, event, d$group, d$within, test))
  }
}

gray <- function(data) {
  d <- data[!is.na(data$group) & !is.na(data$within), ]
  tests <- cuminc(d$time, d$cause, d$group, d$within)$Tests
  for (k in unlist(VIEW$gray)) {
    row <- tests[as.character(k), ]
    note_test(paste0("Gray's test, cause ", k), list(statistic = row[["stat"]], df = row[["df"]]))
  }
}

# --- hazard ratios ----------------------------------------------------------------------------------------------------

# A number in steps, or one column for each level but the reference; the names are kept beside the columns.
columns_of <- function(data, covariates) {
  x <- list()
  names <- list()
  for (covariate in covariates) {
    values <- data[[covariate$column]]
    if (covariate$kind == "number") {
      x[[length(x) + 1]] <- values / covariate$step
      names[[length(names) + 1]] <- covariate$label
    }
    for (level in covariate$levels) {
      x[[length(x) + 1]] <- ifelse(is.na(values), NA, as.numeric(values == level))
      names[[length(names) + 1]] <- paste(covariate$label, level, sep = "; ")
    }
  }
  list(x = do.call(cbind, x), names = unlist(names))
}

note_ratios <- function(title, names, coef, variance) {
  se <- sqrt(diag(variance))
  z <- qnorm(0.975)
  for (i in seq_along(names)) {
    note(exp(coef[i]), title, names[i], "estimate")
    note(exp(coef[i] - z * se[i]), title, names[i], "lower limit")
    note(exp(coef[i] + z * se[i]), title, names[i], "upper limit")
    note(pchisq((coef[i] / se[i])^2, 1, lower.tail = FALSE), title, names[i], "p")
  }
}

# coxph stops early unless told not to
EXACT <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 200)

hazard_ratios <- function(data, title, covariates, within = NULL, cause = 1, ties = "efron") {
  made <- columns_of(data, covariates)
  keep <- complete.cases(made$x)
  if (!is.null(within)) keep <- keep & !is.na(data[[within]])
  d <- data[keep, ]
  x <- made$x[keep, , drop = FALSE]
  fit <- if (is.null(within)) coxph(response(d, d$cause == cause) ~ x, ties = ties, control = EXACT)
         else coxph(response(d, d$cause == cause) ~ x + strata(d[[within]]), ties = ties, control = EXACT)
  note_ratios(title, made$names, unname(coef(fit)), vcov(fit))
}

subdistribution <- function(data, covariates) {
  for (covariate in covariates) {
    made <- columns_of(data, list(covariate))
    keep <- complete.cases(made$x)
    fit <- crr(data$time[keep], data$cause[keep], made$x[keep, , drop = FALSE], failcode = VIEW$cause, cencode = 0,
               gtol = 1e-10, maxiter = 100)
    note_ratios("Subdistribution hazard ratio", made$names, unname(fit$coef), fit$var)
  }
}

# --- exposures that begin during follow-up ----------------------------------------------------------------------------

exposures <- function(data) {
  rule <- VIEW$exposure
  d <- data[data$in_exposure_analysis == 1, ]
  d$event <- d$cause == 1
  d$exposed_at <- d$exposure_days / DAYS_PER_MONTH
  # a first row up to the exposure, a second one after it; whoever is exposed on day 0 has the second one only
  cut <- !is.na(d$exposed_at) & d$exposed_at > 0 & d$exposed_at < d$time
  start <- if (any(d$time == 0)) -1 else 0
  first <- data.frame(entry = start, time = ifelse(cut, d$exposed_at, d$time), event = d$event & !cut,
                      exposed = !is.na(d$exposed_at) & d$exposed_at <= 0)
  second <- data.frame(entry = d$exposed_at, time = d$time, event = d$event, exposed = rep(TRUE, nrow(d)))[cut, ]
  later <- d$time > rule$landmark
  analyses <- list(
    naive = data.frame(entry = -1, time = d$time, event = d$event, exposed = !is.na(d$exposed_at)),
    landmark = data.frame(entry = rep(-1, sum(later)), time = d$time[later] - rule$landmark, event = d$event[later],
                          exposed = !is.na(d$exposed_at[later]) & d$exposed_at[later] <= rule$landmark),
    "time-dependent" = rbind(first, second)
  )
  for (name in rule$estimable) {
    rows <- analyses[[name]]
    title <- paste0("Exposure, ", name)
    fit <- coxph(Surv(entry, time, event) ~ exposed, rows, ties = "efron", control = EXACT)
    note_ratios(title, rule$label, unname(coef(fit)), vcov(fit))
    note(sum(rows$event), title, "events")
    note(sum(rows$event & rows$exposed), title, "events while exposed")
  }
  if (rule$mantel_byar) {
    rows <- analyses[["time-dependent"]]
    test <- weighted_logrank(rows$entry, rows$time, rows$event, rows$exposed, rep(1, nrow(rows)), list(weights = "log-rank"))
    note(test$statistic, "Mantel-Byar test", "chi-squared")
    note(pchisq(test$statistic, test$df, lower.tail = FALSE), "Mantel-Byar test", "p")
  }
}

# --- run --------------------------------------------------------------------------------------------------------------

data <- read_data()
if (VIEW$competing) {
  incidence(data)
  if (length(VIEW$gray)) gray(data)
} else {
  curves(data)
  if (!is.null(VIEW$test)) comparison(data)
}
for (covariate in VIEW$covariates) {
  hazard_ratios(data, "Hazard ratio, each alone", list(covariate), cause = VIEW$cause, ties = VIEW$ties)
}
if (length(VIEW$together)) {
  hazard_ratios(data, "Hazard ratio, one model", VIEW$together, if (VIEW$together_within) "model_within", ties = VIEW$ties)
}
if (length(VIEW$subdistribution)) subdistribution(data, VIEW$subdistribution)
if (!is.null(VIEW$exposure)) exposures(data)

wrong <- 0
for (name in names(EXPECTED)) {
  expected <- EXPECTED[[name]]
  value <- found[[name, exact = TRUE]]
  passed <- !is.null(value) && (if (is.null(expected)) !is.finite(value)
                                else is.finite(value) && abs(value - expected) <= 1e-6 + 1e-5 * abs(expected))
  if (!passed) wrong <- wrong + 1
  cat(if (passed) "PASS" else "FAIL", "  ", name, ": expected ", if (is.null(expected)) "none" else format(expected, digits = 10),
      ", found ", if (is.null(value)) "not computed" else format(value, digits = 10), "\n", sep = "")
}
for (name in setdiff(names(found), names(EXPECTED))) {
  wrong <- wrong + 1
  cat("FAIL  ", name, ": not expected, found ", format(found[[name]], digits = 10), "\n", sep = "")
}
cat(length(EXPECTED), " numbers, ", wrong, " different.\n", sep = "")
quit(status = if (wrong > 0) 1 else 0)
