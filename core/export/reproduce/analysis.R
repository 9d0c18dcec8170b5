# Computes the numbers of the view again, from data.csv alone, and compares them with expected.json.
#
# Run it in the folder it came in:  Rscript analysis.R
# Needs R 4.0 or later with survival (3.0 or later), cmprsk and jsonlite: install.packages(c("survival", "cmprsk", "jsonlite"))
#
# survival computes curves, tests and Cox models; cmprsk Gray's test and Fine and Gray's model. What they do not have (tests
# with late entry or other weights, the variance of an incidence with late entry, Firth's penalty) is written out in the files
# of the folder "R". view.json holds the choices of the view: the columns to use, the times to read off, the kind of interval.

suppressMessages({
  library(survival)
  library(cmprsk)
  library(jsonlite)
})
for (part in c("view", "curves", "differences", "comparisons", "models", "exposures")) source(file.path("R", paste0(part, ".R")))

data <- read_data()
if (VIEW$competing) {
  incidence(data)
  if (length(VIEW$gray)) gray(data)
  if (VIEW$tau > 0) time_lost(data)
} else {
  curves(data)
  if (!is.null(VIEW$test)) comparison(data)
  if (VIEW$tau > 0) means(data)
  if (VIEW$differences) survival_differences(data)
}
if (VIEW$selection) data <- data[data$selected == 1, ]  # curves are of everybody, models of the selected patients
for (covariate in VIEW$covariates) {
  hazard_ratios(data, "Hazard ratio, each alone", list(covariate), cause = VIEW$cause, ties = VIEW$ties)
}
if (length(VIEW$risks)) risk_differences(data)
if (length(VIEW$together)) {
  within <- if (VIEW$together_within) "model_within"
  hazard_ratios(data, "Hazard ratio, one model", VIEW$together, within, ties = VIEW$ties, penalised = VIEW$penalised)
}
if (!is.null(VIEW$subgroups)) subgroups(data)
if (length(VIEW$subdistribution)) subdistribution(data, VIEW$subdistribution)
if (!is.null(VIEW$exposure)) exposures(data)
if (!is.null(VIEW$adjusted)) adjusted(data)

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
