# Writes tests/reference/nonparametric.json and tests/reference/data/nonparametric_*.csv.
# Run from the repository root:  Rscript tests/reference/nonparametric.R
# Needs R with survival (>= 3.5), KMsurv, cmprsk and jsonlite.
Sys.setlocale("LC_COLLATE", "C")
suppressMessages({library(survival); library(cmprsk); library(jsonlite)})
kmsurv <- function(name) { e <- new.env(); data(list = name, package = "KMsurv", envir = e); get(name, e) }
here <- "tests/reference"
probs <- c(0.1, 0.25, 0.5, 0.75, 0.9)
types <- c("plain", "log", "log-log")

# Every data set in the same columns: time, cause (0 censored, 1 the event, 2.. competing), group, layer; entry where
# patients enter late; exposure where one begins during follow-up.
frame <- function(time, cause, group, layer = NULL, entry = NULL) {
  d <- data.frame(time = as.numeric(time), cause = as.integer(cause), group = as.character(group))
  if (!is.null(layer)) d$layer <- as.character(layer)
  if (!is.null(entry)) d$entry <- as.numeric(entry)
  d
}
sets <- list()
sets$lung <- with(lung, frame(time, status == 2, sex, ph.ecog))
sets$veteran <- with(veteran, frame(time, status, celltype, trt))
sets$ovarian <- with(ovarian, frame(futime, fustat, rx, resid.ds))
sets$pbc <- with(pbc, frame(time, status == 2, stage, sex))
sets$pbc_competing <- with(pbc, frame(time, c(0, 2, 1)[status + 1], edema, sex))
sets$colon <- with(subset(colon, etype == 2), frame(time, status, rx, extent))
sets$gbsg <- with(gbsg, frame(rfstime, status, hormon, grade))
sets$rotterdam <- with(rotterdam, frame(dtime, death, size, hormon))
sets$aml <- with(aml, frame(time, status, x))
sets$rats <- with(rats, frame(time, status, rx, litter))
sets$retinopathy <- with(retinopathy, frame(futime, status, trt, id))
sets$diabetic <- with(diabetic, frame(time, status, trt, laser))
sets$transplant <- with(subset(transplant, futime > 0), frame(futime, c(0, 2, 1, 3)[as.integer(event)], abo, sex))
mgus2$etime <- with(mgus2, ifelse(pstat == 0, futime, ptime))
mgus2$cause <- with(mgus2, ifelse(pstat == 1, 1, 2 * death))
sets$mgus2 <- with(mgus2, frame(etime, cause, sex, mspike > 1.5))
sets$mgus2_age <- with(subset(mgus2, etime > 0), frame(age * 12 + etime, cause, sex, mspike > 1.5, age * 12))
sets$myeloid <- with(myeloid, frame(futime, death, trt, sex))
sets$larynx <- with(kmsurv("larynx"), frame(time, delta, stage, age > 60))
sets$bmt <- with(kmsurv("bmt"), frame(t2, ifelse(d2 == 1, 1, 2 * d1), group, z10))
sets$burn <- with(kmsurv("burn"), frame(T3, D3, Z1, Z2))
sets$kidney <- with(kmsurv("kidney"), frame(time, delta, type))
sets$tongue <- with(kmsurv("tongue"), frame(time, delta, type))
sets$alloauto <- with(kmsurv("alloauto"), frame(time, delta, type))
sets$kidtran <- with(kmsurv("kidtran"), frame(time, delta, paste(gender, race), age > 40))
sets$btrial <- with(kmsurv("btrial"), frame(time, death, im))
sets$channing <- with(subset(kmsurv("channing"), age > ageentry), frame(age, death, gender, NULL, ageentry))
sets$psych <- with(kmsurv("psych"), frame(age + time, death, sex, NULL, age))
sets$heart <- with(heart, frame(stop, event, transplant, surgery, start))
sets$cgd <- with(cgd, frame(tstop, status, treat, inherit, tstart))
# made up: awkward on purpose
sets$floating_ties <- frame(c(0.1 + 0.2, 0.3, 0.7 + 0.1, 0.8, 1.1 + 2.2, 3.3, 4), c(1, 1, 0, 1, 1, 0, 1), rep("a", 7))
sets$midpoint <- frame(c(1, 2, 3, 4, 1, 2, 3, 4, 5), c(1, 1, 1, 1, 1, 1, 0, 0, 0), rep(c("a", "b"), c(4, 5)))
sets$all_at_once <- frame(rep(5, 6), rep(1, 6), rep(c("a", "b"), 3))
sets$no_event <- frame(c(3, 5, 8), c(0, 0, 0), c("a", "a", "b"))
sets$time_zero <- frame(c(0, 0, 0, 2, 3, 3, 6), c(1, 0, 1, 1, 0, 1, 0), c("a", "a", "b", "b", "a", "b", "a"))
sets$single <- frame(c(4, 6, 7), c(1, 1, 0), c("a", "b", "b"))
sets$emptied <- frame(c(2, 3, 6, 7, 9), c(1, 0, 1, 0, 1), c("a", "a", "a", "a", "a"), NULL, c(0, 0, 4, 5, 5))
no_tests <- c("floating_ties", "all_at_once", "no_event", "emptied")

response <- function(d, event) if (is.null(d$entry)) Surv(d$time, event) else Surv(d$entry, d$time, event)
thin <- function(n) unique(round(seq(1, n, length.out = min(n, 40))))
# a time within the follow-up of every group
horizon <- function(d, share) {
  from <- max(tapply(d$time, d$group, min)); to <- min(tapply(d$time, d$group, max))
  if (from < to) from + share * (to - from) else to
}

km <- function(d) {
  out <- list()
  if (is.null(d$entry)) d$time <- aeqSurv(Surv(d$time, d$cause == 1))[, 1]  # times equal but for rounding
  tau <- horizon(d, 0.9)
  times <- c(unname(quantile(d$time, c(0.05, 0.3, 0.6, 0.85, 0.99), type = 1)), max(d$time) * 1.1)
  for (type in types) {
    f <- survfit(response(d, d$cause == 1) ~ group, d, conf.type = type)
    row <- thin(length(f$time))
    if (type == "plain") {
      out$n_rows <- length(f$time)
      out$row <- row - 1
      out$time <- f$time[row]; out$n_risk <- f$n.risk[row]; out$n_event <- f$n.event[row]
      out$n_censor <- f$n.censor[row]; out$estimate <- f$surv[row]; out$std_error <- (f$surv * f$std.err)[row]
      out$sum_estimate <- sum(f$surv); out$sum_risk <- sum(f$n.risk)
      s <- summary(f, rmean = tau)$table
      s <- matrix(s, ncol = 9, dimnames = list(NULL, if (is.matrix(s)) colnames(s) else names(s)))
      out$tau <- tau; out$rmean <- s[, "rmean"]; out$rmean_se <- s[, "se(rmean)"]
      at <- lapply(split(d, d$group), function(g) {
        gf <- survfit(response(g, g$cause == 1) ~ 1)
        gs <- summary(gf, times = times, extend = TRUE)
        beyond <- times > max(g$time)
        # counted, since with delayed entry summary() shows the number at risk at the next row of the curve
        list(n_risk = sapply(times, function(t) sum((if (is.null(g$entry)) -1 else g$entry) < t & g$time >= t)),
             n_event = sapply(times, function(t) sum(g$time <= t & g$cause == 1)),
             estimate = ifelse(beyond, NA, gs$surv), std_error = ifelse(beyond, NA, gs$std.err))
      })
      out$times <- times
      out$at <- list(n_risk = unlist(lapply(at, `[[`, "n_risk")), n_event = unlist(lapply(at, `[[`, "n_event")),
                     estimate = unlist(lapply(at, `[[`, "estimate")), std_error = unlist(lapply(at, `[[`, "std_error")))
      out$at <- lapply(out$at, unname)
    }
    q <- quantile(f, probs)
    q <- lapply(q, function(m) unname(as.vector(t(m))))
    out[[type]] <- list(conf_low = f$lower[row], conf_high = f$upper[row], quantile = q$quantile, quantile_low = q$lower,
                        quantile_high = q$upper)
  }
  f <- survfit(response(d, d$cause == 0) ~ group, d, conf.type = "log-log")
  q <- quantile(f, c(0.25, 0.5, 0.75))
  out$follow_up <- lapply(q, function(m) unname(as.vector(t(m))))
  out
}

# The log-rank family from its textbook formula (Klein and Moeschberger 2003, section 7.3), with delayed entry.
textbook <- function(d, weight, layer = rep(1, nrow(d))) {
  g <- factor(d$group); K <- nlevels(g)
  U <- O <- E <- numeric(K); V <- matrix(0, K, K)
  entry <- if (is.null(d$entry)) rep(-1, nrow(d)) else d$entry
  for (l in unique(layer)) {
    s <- 1
    here <- layer == l
    for (t in sort(unique(d$time[here & d$cause == 1]))) {
      risk <- here & entry < t & d$time >= t
      n <- as.numeric(table(g[risk])); dg <- as.numeric(table(g[here & d$time == t & d$cause == 1]))
      N <- sum(n); D <- sum(dg); w <- weight(N, s)
      O <- O + w * dg; E <- E + w * D * n / N
      if (N > 1) V <- V + w^2 * D * (N - D) / (N - 1) * (diag(n / N, K) - outer(n / N, n / N))
      s <- s * (N - D) / N
    }
  }
  keep <- diag(V) > 1e-12
  u <- (O - E)[keep][-1]; v <- V[keep, keep, drop = FALSE][-1, -1, drop = FALSE]
  list(statistic = if (length(u)) sum(solve(v, u) * u) else NA, df = length(u), observed = O, expected = E, difference = O - E, variance = V)
}
weights <- list("log-rank" = function(n, s) 1, peto = function(n, s) s, gehan = function(n, s) n,
                "tarone-ware" = function(n, s) sqrt(n), "fleming-harrington" = function(n, s) s^0.5 * (1 - s)^2)
p_value <- function(statistic, df) pchisq(statistic, df, lower.tail = FALSE)
same <- function(a, b) stopifnot(isTRUE(all.equal(a, b, tolerance = 1e-9)))
tests_of <- function(d) {
  d <- d[!is.na(d$group), ]
  out <- list()
  for (w in names(weights)) {
    r <- textbook(d, weights[[w]])
    out[[w]] <- list(statistic = r$statistic, df = r$df, p_value = p_value(r$statistic, r$df), observed = r$observed,
                     expected = r$expected)
  }
  plain <- textbook(d, weights[["log-rank"]])
  trend <- function(x) sum(x * plain$difference)^2 / c(x %*% plain$variance %*% x)
  K <- length(unique(d$group))
  out$trend <- trend(1:K); out$trend_squares <- trend((1:K)^2)
  if (is.null(d$entry)) {
    r <- survdiff(Surv(time, cause == 1) ~ group, d)
    same(r$chisq, plain$statistic); out[["log-rank"]]$statistic <- r$chisq
    same(survdiff(Surv(time, cause == 1) ~ group, d, rho = 1)$chisq, out$peto$statistic)
    pairs <- combn(sort(unique(d$group)), 2)
    chi <- apply(pairs, 2, function(p) {
      r <- survdiff(Surv(time, cause == 1) ~ group, d[d$group %in% p, ])
      if (any(r$exp <= 0) || sum(r$obs) == 0 || r$var[1, 1] < 1e-12) NA else r$chisq
    })
    out$pairwise <- list(a = pairs[1, ], b = pairs[2, ], statistic = chi, p_value = p_value(chi, 1),
                         holm = p.adjust(p_value(chi, 1), "holm"), bonferroni = p.adjust(p_value(chi, 1), "bonferroni"))
  } else if (nrow(d) < 500) {
    # the score test of the exact partial likelihood is the log-rank test
    same(unname(coxph(Surv(entry, time, cause == 1) ~ group, d, ties = "exact")$score), plain$statistic)
  }
  if (!is.null(d$layer)) {
    s <- d[!is.na(d$layer), ]
    r <- textbook(s, weights[["log-rank"]], s$layer)
    if (is.null(d$entry)) same(survdiff(Surv(time, cause == 1) ~ group + strata(layer), s)$chisq, r$statistic)
    g <- textbook(s, weights$gehan, s$layer)
    out$stratified <- list(statistic = r$statistic, df = r$df, observed = r$observed, expected = r$expected,
                           gehan = g$statistic, n = nrow(s))
  }
  out
}

# The delta method with multinomial variances, written as the double sum that it is: one group, cause number k of state.
# Without delayed entry it is survfit's infinitesimal jackknife (checked below). With it, survfit's also holds products of
# different times that have mean zero, because the risk sets are not nested; Greenwood's formula has none either.
delta <- function(d, causes, k, at = NULL, tau = NULL) {
  t <- sort(unique(d$time))
  entry <- if (is.null(d$entry)) rep(-1, nrow(d)) else d$entry
  n <- sapply(t, function(u) sum(entry < u & d$time >= u))
  dk <- sapply(t, function(u) sum(d$time == u & d$cause == causes[k]))
  all <- sapply(t, function(u) sum(d$time == u & d$cause > 0))
  h <- dk / n; H <- all / n
  before <- c(1, cumprod(1 - H)[-length(H)])
  variance <- function(a, later, used)
    sum((a^2 * h * (1 - h) - 2 * a * later * h + ifelse(H < 1, later^2 * H / (1 - H), 0))[used] / n[used])
  if (is.null(tau)) {
    incidence <- cumsum(before * h)
    sqrt(pmax(0, sapply(at, function(u) {
      used <- which(t <= u)
      variance(before, incidence[max(used)] - incidence, used)
    })))
  } else {
    used <- which(t < tau)
    a <- (tau - t) * before
    gained <- ifelse(t < tau, a * h, 0)
    sqrt(max(0, variance(a, sum(gained) - cumsum(gained), used)))
  }
}

cif <- function(d, gray = TRUE) {
  d <- d[!is.na(d$group), ]
  d$id <- seq_len(nrow(d))
  causes <- sort(unique(d$cause[d$cause > 0]))
  state <- factor(d$cause, c(0, causes))
  tau <- horizon(d, 0.8)
  out <- list(causes = causes, tau = tau)
  for (type in types) {
    f <- survfit(response(d, state) ~ group, d, id = d$id, conf.type = type)
    row <- thin(length(f$time))
    if (type == "plain") {
      out$n_rows <- length(f$time); out$row <- row - 1
      out$time <- f$time[row]; out$n_risk <- f$n.risk[row, 1]
      out$estimate <- t(f$pstate[row, -1]); out$std_error <- t(f$std.err[row, -1]); out$n_event <- t(f$n.event[row, -1])
      out$event_free <- f$pstate[row, 1]
      by_group <- split(d, d$group)
      owner <- rep(seq_along(by_group), if (is.null(f$strata)) length(f$time) else f$strata)
      se <- sapply(seq_along(causes), function(k) unlist(lapply(seq_along(by_group), function(g)
        delta(by_group[[g]], causes, k, at = f$time[owner == g]))))
      if (is.null(d$entry)) stopifnot(max(abs(se^2 - f$std.err[, -1]^2)) < 1e-14)
      else out$std_error <- t(se[row, ])
    }
    out[[type]] <- list(conf_low = t(f$lower[row, -1]), conf_high = t(f$upper[row, -1]))
  }
  # mean time lost and its infinitesimal-jackknife standard error, by group and within it by cause
  lost <- lapply(split(d, d$group), function(g) {
    f <- survfit(response(g, factor(g$cause, c(0, causes))) ~ 1, id = g$id, influence = TRUE)
    step <- diff(c(0, f$time[f$time < tau], tau))
    inside <- which(f$time < tau)
    inf <- f$influence.pstate
    offset <- dim(inf)[2] - length(f$time)  # some versions put a column for the start first
    list(estimate = sapply(seq_along(causes), function(k) sum(c(0, f$pstate[inside, 1 + k]) * step)),
         std_error = sapply(seq_along(causes), function(k)
           sqrt(sum((inf[, inside + offset, 1 + k, drop = TRUE] %*% step[-1])^2))))
  })
  lost_delta <- unname(unlist(lapply(split(d, d$group), function(g)
    sapply(seq_along(causes), function(k) delta(g, causes, k, tau = tau)))))
  out$lost <- unname(unlist(lapply(lost, `[[`, "estimate"))); out$lost_se <- unname(unlist(lapply(lost, `[[`, "std_error")))
  if (is.null(d$entry)) same(out$lost_se, lost_delta) else out$lost_se <- lost_delta
  if (gray && is.null(d$entry) && length(unique(d$group)) > 1) {
    gray_of <- function(...) { r <- cuminc(...)$Tests; list(cause = as.integer(rownames(r)), statistic = unname(r[, "stat"]),
                                                            df = unname(r[, "df"])) }
    out$gray <- gray_of(d$time, d$cause, d$group)
    out$gray_rho <- gray_of(d$time, d$cause, d$group, rho = 1)
    if (!is.null(d$layer)) {
      s <- d[!is.na(d$layer), ]
      out$gray_stratified <- gray_of(s$time, s$cause, s$group, s$layer)
    }
    # cmprsk estimates the same curves
    ci <- timepoints(cuminc(d$time, d$cause, d$group), tau)$est
    f <- survfit(Surv(time, state) ~ group, d)
    same(sort(unname(c(ci))), sort(unname(c(summary(f, times = tau)$pstate[, -1]))))
  }
  out
}

# Exposures that begin during follow-up
exposures <- list(
  jasa = with(jasa, data.frame(time = pmax(futime, 0.5), cause = fustat, exposure = ifelse(transplant == 1, wait.time, NA),
                               layer = surgery)),
  burn = with(kmsurv("burn"), data.frame(time = T3, cause = D3, exposure = ifelse(D1 == 1, T1, NA), layer = Z2)),
  bmt = with(kmsurv("bmt"), data.frame(time = t1, cause = d1, exposure = ifelse(dp == 1, tp, NA), layer = group))
)
exposed_of <- function(d) {
  d$id <- seq_len(nrow(d))
  long <- tmerge(d[, c("id", "layer")], d, id = id, death = event(time, cause), after = tdc(exposure))
  rows <- with(long, frame(tstop, death, after, layer, tstart))
  r <- textbook(rows, weights[["log-rank"]]); s <- textbook(rows, weights[["log-rank"]], rows$layer)
  f <- survfit(Surv(entry, time, cause) ~ group, rows, conf.type = "log-log")
  row <- thin(length(f$time))
  list(n_rows = nrow(rows), entry = rows$entry, time = rows$time, cause = rows$cause, exposed = as.integer(rows$group),
       patient = long$id - 1, statistic = r$statistic, observed = r$observed, expected = r$expected,
       stratified = s$statistic, curve = list(row = row - 1, n_rows = length(f$time), time = f$time[row],
       n_risk = f$n.risk[row], estimate = f$surv[row], std_error = (f$surv * f$std.err)[row], conf_low = f$lower[row],
       conf_high = f$upper[row]))
}
landmark_of <- function(d, at) {
  d <- d[d$time > at, ]; d$time <- d$time - at
  f <- survfit(Surv(time, cause == 1) ~ group, d)
  list(at = at, n = nrow(d), chisq = survdiff(Surv(time, cause == 1) ~ group, d)$chisq,
       median = unname(quantile(f, 0.5)$quantile[, 1]))
}

result <- list(versions = list(R = as.character(getRversion()), survival = as.character(packageVersion("survival")),
               cmprsk = as.character(packageVersion("cmprsk")), KMsurv = as.character(packageVersion("KMsurv"))))
for (name in names(sets)) {
  d <- sets[[name]]
  with_group <- d[!is.na(d$group), ]
  entry <- list(levels = sort(unique(with_group$group)), n = nrow(with_group), kaplan_meier = km(with_group))
  if (!name %in% no_tests) entry$tests <- tests_of(d)
  if (any(d$cause > 1)) entry$cumulative_incidence <- cif(d)
  result$sets[[name]] <- entry
}
for (name in names(exposures)) result$exposures[[name]] <- exposed_of(exposures[[name]])
result$landmark <- list(lung = landmark_of(sets$lung, 100), veteran = landmark_of(sets$veteran, 60))

write <- function(d, name)
  write.csv(format(d, digits = 17, trim = TRUE), file.path(here, "data", paste0("nonparametric_", name, ".csv")),
            row.names = FALSE, quote = FALSE, na = "")
for (name in names(sets)) write(sets[[name]], name)
for (name in names(exposures)) write(exposures[[name]], paste0("exposure_", name))
write_json(result, file.path(here, "nonparametric.json"), digits = NA, auto_unbox = TRUE, na = "null")
