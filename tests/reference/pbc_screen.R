# What the dashboard shows of the pbc registry folder, by R: curves by stage, the log-rank test, every covariate alone.
# Rscript tests/reference/pbc_screen.R   (from the repository root)
library(survival)
library(jsonlite)

days_per_month <- 30.4375
d <- read.csv("tests/registries/pbc_source.csv")
d$months <- d$time / days_per_month
d$dead <- d$status == 2
staged <- d[!is.na(d$stage), ]

fit <- survfit(Surv(months, dead) ~ stage, data = staged, conf.type = "log-log")
at <- summary(fit, times = c(0, 12, 24, 36, 48, 60, 72, 84, 96, 108, 120), extend = TRUE)
table <- summary(fit)$table
test <- survdiff(Surv(months, dead) ~ stage, data = staged)

one <- function(formula) {
  fit <- coxph(formula, data = d, ties = "efron", control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100))
  s <- summary(fit)
  list(n = fit$n, n_event = fit$nevent, estimate = unname(s$conf.int[, 1]), conf_low = unname(s$conf.int[, 3]),
       conf_high = unname(s$conf.int[, 4]), p_value = unname(s$coefficients[, 5]))
}
ratios <- list(
  age = one(Surv(months, dead) ~ I(age / 10)),
  bili = one(Surv(months, dead) ~ bili),
  albumin = one(Surv(months, dead) ~ albumin),
  stage = one(Surv(months, dead) ~ factor(stage)),
  edema = one(Surv(months, dead) ~ factor(edema)),
  trt = one(Surv(months, dead) ~ relevel(factor(trt), ref = "2")),
  sex = one(Surv(months, dead) ~ factor(sex))
)
out <- list(
  versions = list(R = paste(R.version$major, R.version$minor, sep = "."), survival = as.character(packageVersion("survival"))),
  curve = list(time = fit$time, n_risk = fit$n.risk, estimate = fit$surv, conf_low = fit$lower, conf_high = fit$upper,
               rows = unname(fit$strata)),
  at_risk = list(time = at$time, n_risk = at$n.risk, stratum = as.character(at$strata)),
  median = list(estimate = unname(table[, "median"]), conf_low = unname(table[, "0.95LCL"]), conf_high = unname(table[, "0.95UCL"])),
  log_rank = list(statistic = test$chisq, df = length(test$n) - 1),
  ratios = ratios
)
write_json(out, "tests/reference/pbc_screen.json", digits = NA, auto_unbox = TRUE, na = "string", pretty = FALSE)
