# Hazard ratios: Cox, Firth, within subgroups, and Fine and Gray.

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
  p <- pchisq((coef / se)^2, 1, lower.tail = FALSE)
  note_limits(title, names, coef, coef - z * se, coef + z * se, p)
}

note_limits <- function(title, names, coef, low, high, p) {
  for (i in seq_along(names)) {
    note(exp(coef[i]), title, names[i], "estimate")
    note(exp(low[i]), title, names[i], "lower limit")
    note(exp(high[i]), title, names[i], "upper limit")
    note(p[i], title, names[i], "p")
  }
}

# coxph stops early unless told not to
EXACT <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 200)

# One model of all these covariates.
hazard_ratios <- function(data, title, covariates, within = NULL, cause = 1, ties = "efron", penalised = FALSE) {
  made <- columns_of(data, covariates)
  keep <- complete.cases(made$x)
  if (!is.null(within)) keep <- keep & !is.na(data[[within]])
  d <- data[keep, ]
  x <- made$x[keep, , drop = FALSE]
  model <- if (is.null(within)) response(d, d$cause == cause) ~ x else response(d, d$cause == cause) ~ x + strata(d[[within]])
  if (penalised) {
    fit <- firth(model, ncol(x), apply(x, 2, sd), ties)
    note_limits(title, made$names, fit$coef, fit$low, fit$high, fit$p)
  } else {
    fit <- coxph(model, ties = ties, control = EXACT)
    note_ratios(title, made$names, unname(coef(fit)), vcov(fit))
  }
}

# Firth (1993): the likelihood times the root of the determinant of its information. Limits and p values come from the profile
# of that likelihood (Heinze and Schemper 2001). coxph without a step gives the likelihood and its information anywhere.
firth <- function(model, n, scale, ties) {
  at <- function(beta) {
    fit <- coxph(model, init = beta / scale, ties = ties, control = coxph.control(iter.max = 0))
    information <- solve(vcov(fit)) / outer(scale, scale)
    list(value = fit$loglik[2] + determinant(information)$modulus / 2, information = information)
  }
  slope <- function(beta, i) {  # of the penalised likelihood
    h <- replace(numeric(n), i, 1e-4)
    (at(beta + h)$value - at(beta - h)$value) / 2e-4
  }
  # The maximum; the coefficient at the place "fixed" stays as it is.
  highest <- function(beta, fixed = 0) {
    free <- setdiff(seq_len(n), fixed)
    now <- at(beta)
    if (length(free)) for (turn in 1:100) {
      score <- sapply(free, function(i) slope(beta, i))
      step <- solve(now$information[free, free, drop = FALSE], score)
      for (halving in 1:40) {
        new <- at(replace(beta, free, beta[free] + step))
        if (new$value >= now$value - 1e-12 * abs(now$value)) break
        step <- step / 2
      }
      beta[free] <- beta[free] + step
      now <- new
      if (max(abs(step)) < 1e-8) break
    }
    list(beta = beta, value = as.numeric(now$value), information = now$information)
  }
  best <- highest(numeric(n))
  spread <- sqrt(diag(solve(best$information)))
  # Twice what the penalised likelihood loses when coefficient i has this value.
  drop <- function(i, value) 2 * (best$value - highest(replace(best$beta, i, value), i)$value)
  end <- function(i, side) {
    far <- best$beta[i] + side * 1.5 * spread[i]
    while (drop(i, far) < qchisq(0.95, 1)) far <- far + side * spread[i]
    uniroot(function(b) drop(i, b) - qchisq(0.95, 1), sort(c(best$beta[i], far)), tol = 1e-8)$root
  }
  every <- seq_len(n)
  list(coef = best$beta / scale, low = sapply(every, end, side = -1) / scale, high = sapply(every, end, side = 1) / scale,
       p = sapply(every, function(i) pchisq(max(drop(i, 0), 0), 1, lower.tail = FALSE)))
}

# One covariate's ratio in each level of another, from one model; p of the interaction by the likelihood ratio.
subgroups <- function(data) {
  for (other in VIEW$subgroups$within) {
    effect <- columns_of(data, list(VIEW$subgroups$effect))$x[, 1]
    within <- data[[other$column]]
    keep <- !is.na(effect) & !is.na(within)
    d <- data[keep, ]
    effect <- effect[keep]
    levels <- unlist(other$levels)
    within <- factor(within[keep], levels)
    nested <- sapply(levels, function(level) effect * (within == level))
    without <- coxph(response(d, d$cause == 1) ~ within + effect, ties = VIEW$ties, control = EXACT)
    fit <- coxph(response(d, d$cause == 1) ~ within + nested, ties = VIEW$ties, control = EXACT)
    k <- length(levels) - 1
    own <- k + seq_along(levels)
    note_ratios("Subgroups", paste(other$label, levels, sep = "; "), unname(coef(fit))[own], vcov(fit)[own, own])
    note(pchisq(2 * (fit$loglik[2] - without$loglik[2]), k, lower.tail = FALSE), "Subgroups", other$label,
         "p of the interaction")
  }
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
