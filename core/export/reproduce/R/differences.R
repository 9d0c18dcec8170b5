# Means up to a stated time, and how far groups are apart in time and in risk.

group_of <- function(data, group) data[!is.na(data$group) & data$group == group, ]
z_of <- function(level) qnorm(0.5 + level / 2)

# Estimate and symmetric limits; no limits where one of the two curves has no variance.
note_difference <- function(estimate, se, certain, ...) {
  width <- if (isTRUE(certain && se > 0)) z_of(VIEW$level) * se else NA
  note(estimate, ..., "estimate")
  note(estimate - width, ..., "lower limit")
  note(estimate + width, ..., "upper limit")
}

p_of <- function(estimate, se, certain) if (isTRUE(certain && se > 0)) 2 * pnorm(-abs(estimate) / se) else NA

# The area under the curve up to tau and its standard error; nothing where the curve ends before with survivors.
restricted_mean <- function(d, tau) {
  fit <- survfit(response(d, d$cause == 1) ~ 1)
  last <- length(fit$time)
  if (tau > fit$time[last] * (1 + 1e-9) && fit$surv[last] > 0) return(c(NA, NA))
  inside <- fit$time < tau
  areas <- c(1, fit$surv[inside]) * diff(c(0, fit$time[inside], tau))
  beyond <- rev(cumsum(rev(areas[-1])))  # the area that is left after each time
  c(sum(areas), sqrt(sum(beyond^2 * greenwood(fit$n.risk[inside], fit$n.event[inside]))))
}

# The terms of the variance of the logarithm of survival; 0 where nobody remains.
greenwood <- function(n, d) ifelse(n > d, d / (n * (n - d)), 0)

# Restricted means, and the difference and the ratio of every two groups.
means <- function(data) {
  z <- z_of(VIEW$level)
  mean <- list()
  for (group in VIEW$groups) {
    m <- mean[[group]] <- restricted_mean(group_of(data, group), VIEW$tau)
    width <- if (isTRUE(m[2] > 0)) z * m[2] else NA
    note(m[1], "Restricted mean", group, "estimate")
    note(m[1] - width, "Restricted mean", group, "lower limit")
    note(m[1] + width, "Restricted mean", group, "upper limit")
  }
  for (pair in pairs_of(VIEW$large_groups)) {
    a <- mean[[pair[1]]]
    b <- mean[[pair[2]]]
    certain <- a[2] > 0 && b[2] > 0
    name <- paste(pair[2], "less", pair[1])
    se <- sqrt(a[2]^2 + b[2]^2)
    note_difference(b[1] - a[1], se, certain, "Restricted mean", name)
    note(p_of(b[1] - a[1], se, certain), "Restricted mean", name, "p")
    name <- paste(pair[2], "over", pair[1])
    log_ratio <- log(b[1] / a[1])
    se <- sqrt((a[2] / a[1])^2 + (b[2] / b[1])^2)
    width <- if (isTRUE(certain)) z * se else NA
    note(exp(log_ratio), "Restricted mean", name, "estimate")
    note(exp(log_ratio - width), "Restricted mean", name, "lower limit")
    note(exp(log_ratio + width), "Restricted mean", name, "upper limit")
    note(p_of(log_ratio, se, certain), "Restricted mean", name, "p")
  }
}

pairs_of <- function(groups) if (length(groups) < 2) list() else combn(unlist(groups), 2, simplify = FALSE)

# At each time, survival in one group less that in the other; both standard errors by Greenwood's formula.
survival_differences <- function(data) {
  curve <- list()
  for (group in VIEW$large_groups) {
    d <- group_of(data, group)
    fit <- survfit(response(d, d$cause == 1) ~ 1)
    log_se <- sqrt(cumsum(greenwood(fit$n.risk, fit$n.event)))
    curve[[group]] <- list(time = fit$time, surv = fit$surv, se = ifelse(fit$surv > 0, fit$surv * log_se, NA))
  }
  for (pair in pairs_of(VIEW$large_groups)) for (t in VIEW$times) {
    at <- lapply(pair, function(group) with(curve[[group]], c(read_off(time, surv, t, 1), read_off(time, se, t, 0))))
    certain <- at[[1]][2] > 0 && at[[2]][2] > 0
    se <- sqrt(at[[1]][2]^2 + at[[2]][2]^2)
    note_difference(at[[2]][1] - at[[1]][1], se, certain, "Difference", paste(pair[2], "less", pair[1]),
                    sprintf("%g months", t))
  }
}

# The area under each incidence up to tau: the mean time lost to each cause.
time_lost <- function(data) {
  tau <- VIEW$tau
  for (group in VIEW$groups) {
    d <- group_of(data, group)
    times <- sort(unique(d$time))
    n <- sapply(times, function(t) at_risk(d, t))
    any_event <- sapply(times, function(t) sum(d$time == t & d$cause > 0))
    free <- cumprod((n - any_event) / n)
    inside <- times < tau
    weight <- ((tau - times) * c(1, free)[seq_along(times)])[inside]
    known <- tau <= max(times) * (1 + 1e-9) || free[length(free)] == 0
    for (k in unlist(VIEW$causes)) {
      events <- sapply(times, function(t) sum(d$time == t & d$cause == k))[inside]
      m <- n[inside]
      gained <- weight * events / m
      later <- sum(gained) - cumsum(gained)
      variance <- sum(weight^2 * events * (m - events) / m^3 - 2 * weight * later * events / m^2 +
                        later^2 * greenwood(m, any_event[inside]))
      mean <- if (known) sum(gained) else NA
      width <- z_of(VIEW$level) * (if (known) sqrt(max(variance, 0)) else NA)
      note(mean, "Time lost", group, paste("cause", k), "estimate")
      note(mean - width, "Time lost", group, paste("cause", k), "lower limit")
      note(mean + width, "Time lost", group, paste("cause", k), "upper limit")
    }
  }
}

# The risk by a time in each level, and that less the risk in the reference; a number is cut at its median.
risk_differences <- function(data) {
  months <- VIEW$risk_by
  title <- sprintf("Risk by %g months", months)
  for (covariate in VIEW$risks) {
    values <- data[[covariate$column]]
    if (covariate$kind == "number") values <- ifelse(values > median(values, na.rm = TRUE), "upper half", "lower half")
    risk <- list()
    for (level in covariate$risk_levels) {
      d <- data[!is.na(values) & values == level, ]
      times <- sort(unique(d$time))
      estimate <- incidence_of(d, times, 1)
      few <- nrow(d) < VIEW$few  # too few to say
      risk[[level]] <- if (few) c(NA, NA) else
        c(read_off(times, estimate, months, 0), read_off(times, incidence_se(d, times, 1), months, 0))
      note(risk[[level]][1], title, covariate$label, level, "risk")
    }
    reference <- risk[[covariate$risk_levels[[1]]]]
    for (level in covariate$risk_levels[-1]) {
      difference <- risk[[level]][1] - reference[1]
      width <- z_of(0.95) * sqrt(risk[[level]][2]^2 + reference[2]^2)
      if (!isTRUE(width > 0)) width <- NA
      note(difference, title, covariate$label, level, "difference")
      note(difference - width, title, covariate$label, level, "lower limit")
      note(difference + width, title, covariate$label, level, "upper limit")
    }
  }
}
