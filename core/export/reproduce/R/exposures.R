# What begins during follow-up: exposed from its date on, without immortal time.

exposures <- function(data) {
  rule <- VIEW$exposure
  d <- data[data$in_exposure_analysis == 1, ]
  d$event <- d$cause == 1
  d$exposed_at <- d$exposure_1_days / DAYS_PER_MONTH
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

# Several exposures, each from its own date on, and covariates known at diagnosis, in one model.
adjusted <- function(data) {
  rule <- VIEW$adjusted
  d <- data[data$in_adjusted_model == 1, ]
  made <- if (length(rule$covariates)) columns_of(d, rule$covariates) else list(x = matrix(0, nrow(d), 0), names = NULL)
  keep <- complete.cases(made$x)
  d <- d[keep, ]
  baseline <- made$x[keep, , drop = FALSE]
  exposed_at <- sapply(rule$exposures, function(one) d[[one$column]] / DAYS_PER_MONTH)
  exposed_at <- matrix(exposed_at, nrow(d))
  beginning <- if (any(d$time == 0)) -1 else 0
  rows <- do.call(rbind, lapply(seq_len(nrow(d)), function(i) {
    at <- exposed_at[i, ]
    cuts <- sort(unique(at[!is.na(at) & at > 0 & at < d$time[i]]))
    start <- c(beginning, cuts)
    end <- c(cuts, d$time[i])
    exposed <- sapply(seq_along(at), function(j) !is.na(at[j]) & at[j] <= pmax(start, 0))
    exposed <- matrix(exposed, length(start))
    cbind(start, end, d$cause[i] == 1 & end == d$time[i], exposed, baseline[rep(i, length(start)), , drop = FALSE])
  }))
  x <- rows[, -(1:3), drop = FALSE]
  fit <- coxph(Surv(rows[, 1], rows[, 2], rows[, 3]) ~ x, ties = "efron", control = EXACT)
  labels <- c(sapply(rule$exposures, function(one) one$label), made$names)
  note_ratios("Exposure, adjusted", labels, unname(coef(fit)), vcov(fit))
}
