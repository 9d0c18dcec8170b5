# Tests of groups: log-rank and its kin, trend, pairs, and Gray's test where something competes.

# Observed less expected events by group, weighted and summed over the strata, with the hypergeometric variance.
logrank_scores <- function(entry, time, event, group, within, test, levels) {
  group <- factor(group, levels)
  K <- length(levels)
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
  list(difference = difference, covariance = covariance)
}

weighted_logrank <- function(entry, time, event, group, within, test) {
  scores <- logrank_scores(entry, time, event, group, within, test, sort(unique(group)))
  quadratic_form(scores$difference, scores$covariance)
}

quadratic_form <- function(difference, covariance) {
  spread <- sqrt(diag(covariance))
  used <- spread > 1e-9 * max(1, spread)
  if (sum(used) < 2) return(list(statistic = NA, df = 0))
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
  entry <- if (is.null(d[["entry"]])) rep(-1, nrow(d)) else d[["entry"]]
  rho <- c("log-rank" = 0, peto = 1)[test$weights]
  if (is.null(d[["entry"]]) && !is.na(rho)) {  # survdiff has these two
    fit <- if (length(unique(d$within)) > 1) survdiff(Surv(time, event) ~ group + strata(within), d, rho = rho)
           else survdiff(Surv(time, event) ~ group, d, rho = rho)
    expected <- if (is.matrix(fit$exp)) rowSums(fit$exp) else fit$exp
    note_test(test$name, list(statistic = fit$chisq, df = sum(expected > 0) - 1))
  } else {
    note_test(test$name, weighted_logrank(entry, d$time, event, d$group, d$within, test))
  }
  levels <- unlist(Filter(function(group) group %in% d$group, VIEW$groups))
  if (nzchar(test$trend)) {
    score <- seq_along(levels) - mean(seq_along(levels))
    sums <- logrank_scores(entry, d$time, event, d$group, d$within, list(weights = "log-rank"), levels)
    statistic <- sum(score * sums$difference)^2 / sum(score * (sums$covariance %*% score))
    note(statistic, test$trend, "chi-squared")
    note(pchisq(statistic, 1, lower.tail = FALSE), test$trend, "p")
  }
  if (test$pairs) {
    pairs <- pairs_of(levels)
    p <- sapply(pairs, function(pair) {
      two <- d$group %in% pair
      test_of_two <- weighted_logrank(entry[two], d$time[two], event[two], d$group[two], d$within[two], test)
      pchisq(test_of_two$statistic, test_of_two$df, lower.tail = FALSE)
    })
    adjusted <- p.adjust(p, "holm")
    for (i in seq_along(pairs)) {
      note(p[i], "Pair", paste(pairs[[i]], collapse = " and "), "p")
      note(adjusted[i], "Pair", paste(pairs[[i]], collapse = " and "), "p, adjusted")
    }
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
