# R's part of benchmarks/engine.py: engine.R DIRECTORY N REPEATS ENOUGH CPU
# Times the models of the columns marked in columns.csv, survfit and survdiff, and prints tab-separated lines:
# seconds <task> <median of REPEATS calls, or more>; coef <name> <coefficients> <standard errors>; km and logrank.

suppressMessages(library(survival))
options(warn = -1)
arguments <- commandArgs(TRUE)
directory <- arguments[1]
n <- as.integer(arguments[2])
repeats <- as.integer(arguments[3])
enough <- as.numeric(arguments[4])
cpu <- arguments[5] == "1"

say <- function(...) cat(paste(c(...), collapse = "\t"), "\n", sep = "")
digits <- function(values) format(values, digits = 16)
read <- function(name, what) readBin(file.path(directory, paste0(name, ".bin")), what, n)
# Of single calls: so many, and more as long as they take less than `enough` together. Their median by the clock; processor
# time comes in milliseconds, so that there it is the mean.
seconds <- function(call) {
  now <- if (cpu) function() sum(proc.time()[1:2]) else function() as.numeric(Sys.time())
  times <- numeric()
  while (length(times) < repeats || sum(times) < enough) {
    begin <- now()
    call()
    times <- c(times, now() - begin)
  }
  if (cpu) mean(times) else median(times)
}

columns <- read.csv(file.path(directory, "columns.csv"))
data <- data.frame(time = read("time", "double"), event = read("event", "integer"))
for (i in seq_len(nrow(columns))) {
  name <- columns$name[i]
  data[[name]] <- if (columns$is_number[i]) read(name, "double") else factor(read(name, "integer"))
}
say("version", paste0(R.version.string, ", survival ", packageVersion("survival")))

# the first call of a process is slow
few <- data[unique(round(seq(1, n, length.out = 1000))), ]
invisible(list(coxph(Surv(time, event) ~ age, few), survfit(Surv(time, event) ~ treated, few),
               survdiff(Surv(time, event) ~ treated, few)))

for (name in columns$name[columns$timed == 1]) {
  model <- as.formula(paste("Surv(time, event) ~", name))
  say("seconds", name, seconds(function() coxph(model, data)))
}
for (name in c("age", "vintage", "treated", "lesion")) {
  model <- as.formula(paste("Surv(time, event) ~", name))
  fit <- coxph(model, data, control = coxph.control(eps = 1e-11, iter.max = 50))
  say("coef", name, digits(coef(fit)), digits(sqrt(diag(vcov(fit)))))
}
say("seconds", "km", seconds(function() survfit(Surv(time, event) ~ treated, data, conf.type = "log-log")))
say("seconds", "logrank", seconds(function() survdiff(Surv(time, event) ~ treated, data)))
curve <- survfit(Surv(time, event) ~ treated, data, conf.type = "log-log")$surv
say("km", digits(curve[seq(1, length(curve), by = max(1, length(curve) %/% 200))]))
say("logrank", digits(survdiff(Surv(time, event) ~ treated, data)$chisq))
