# Curves, medians and log-rank tests of veteran, colon (deaths) and pbc, for the files that a reader brings.
# Rscript tests/reference/intake.R   (from the repository root); also writes the files, as R exports them.
library(survival)
library(jsonlite)

write.csv(veteran, "tests/registries/veteran.csv", row.names = FALSE)
write.csv(colon, "tests/registries/colon.csv", row.names = FALSE)

days_per_month <- 30.4375
curves <- function(d, group) {
  d$group <- factor(d[[group]])
  d <- d[!is.na(d$group), ]
  d$months <- d$time / days_per_month
  fit <- survfit(Surv(months, dead) ~ group, data = d, conf.type = "log-log")
  table <- summary(fit)$table
  # what a risk table and a reader of the curve see every six months
  seen <- summary(fit, times = seq(0, max(d$months), by = 6), extend = TRUE)
  list(level = levels(d$group), n = unname(table[, "records"]), n_event = unname(table[, "events"]),
       median = unname(table[, "median"]), conf_low = unname(table[, "0.95LCL"]), conf_high = unname(table[, "0.95UCL"]),
       time = fit$time, estimate = fit$surv, rows = unname(fit$strata),
       chisq = survdiff(Surv(months, dead) ~ group, data = d)$chisq,
       seen = data.frame(level = sub("group=", "", as.character(seen$strata)), months = seen$time, n_risk = seen$n.risk,
                         n_event_so_far = ave(seen$n.event, seen$strata, FUN = cumsum), estimate = seen$surv,
                         conf_low = seen$lower, conf_high = seen$upper))
}
deaths <- colon[colon$etype == 2, ]
out <- list(
  versions = list(R = paste(R.version$major, R.version$minor, sep = "."), survival = as.character(packageVersion("survival"))),
  veteran = curves(transform(veteran, dead = status == 1), "celltype"),
  colon = curves(transform(deaths, dead = status == 1), "rx"),
  pbc = curves(transform(pbc, dead = status == 2), "stage")
)
write_json(out, "tests/reference/intake.json", digits = NA, auto_unbox = TRUE, na = "string", pretty = FALSE)
