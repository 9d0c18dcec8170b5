# Kaplan-Meier curves and cumulative incidences, with their limits, medians and numbers at risk.

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

# The cumulative incidence (Aalen and Johansen) at every time: each event counts with the share still free of any event.
incidence_of <- function(d, times, k) {
  n <- sapply(times, function(t) at_risk(d, t))
  h <- sapply(times, function(t) sum(d$time == t & d$cause == k)) / n
  H <- sapply(times, function(t) sum(d$time == t & d$cause > 0)) / n
  cumsum(c(1, cumprod(1 - H))[seq_along(times)] * h)
}

# Its standard error by the delta method.
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
