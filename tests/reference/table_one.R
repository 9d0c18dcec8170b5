# What R says of Table 1: every statistic, test and standardised mean difference, on the sample and on two public data sets.
#
#   Rscript tests/reference/table_one.R        from the repository root
#
# Writes tests/reference/table_one.json and tests/reference/data/table_one_colon.csv. The data pbc stand in
# tests/registries/pbc_source.csv. The formulas of the standardised mean difference are those of Yang and Dalton (SAS Global
# Forum 2012, paper 335), written for a generalised inverse as R's package tableone does it.

library(jsonlite)
library(survival)

colon_deaths <- subset(colon, etype == 2, c(id, rx, sex, age, obstruct, perfor, adhere, nodes, differ, extent, surg, time, status))
write.csv(colon_deaths, "tests/reference/data/table_one_colon.csv", row.names = FALSE, na = "", quote = FALSE)

describe <- function(x) {
  recorded <- x[!is.na(x)]
  quartiles <- unname(quantile(recorded, c(0.25, 0.5, 0.75), type = 7))
  list(n = length(recorded), n_missing = sum(is.na(x)), mean = mean(recorded), sd = sd(recorded), median = quartiles[2],
       q1 = quartiles[1], q3 = quartiles[3], min = min(recorded), max = max(recorded))
}

counts <- function(x) {
  n <- table(x)
  list(count = as.vector(n), percent = as.vector(100 * prop.table(n)), n = sum(n), n_missing = sum(is.na(x)))
}

difference_of_numbers <- function(a, b) {
  abs(mean(a, na.rm = TRUE) - mean(b, na.rm = TRUE)) / sqrt((var(a, na.rm = TRUE) + var(b, na.rm = TRUE)) / 2)
}

difference_of_levels <- function(a, b) {
  p <- as.vector(prop.table(table(a)))[-1]
  q <- as.vector(prop.table(table(b)))[-1]
  covariance <- function(p) diag(p, length(p)) - outer(p, p)
  inverse <- MASS::ginv((covariance(p) + covariance(q)) / 2)
  as.numeric(sqrt(t(p - q) %*% inverse %*% (p - q)))
}

tests_of_numbers <- function(x, group) {
  two <- nlevels(group) == 2
  welch <- if (two) t.test(x ~ group) else oneway.test(x ~ group)
  ranks <- if (two) wilcox.test(x ~ group, exact = FALSE, correct = TRUE) else kruskal.test(x, group)
  list(mean = list(statistic = unname(welch$statistic), p_value = welch$p.value),
       median = list(statistic = unname(ranks$statistic), p_value = ranks$p.value))
}

tests_of_levels <- function(x, group) {
  counted <- table(droplevels(x), group)
  if (nrow(counted) < 2) return(NULL)
  chi_square <- suppressWarnings(chisq.test(counted, correct = FALSE))
  list(smallest_expected = min(chi_square$expected), statistic = unname(chi_square$statistic),
       chi_square = chi_square$p.value, fisher = fisher.test(counted, workspace = 2e8)$p.value)
}

table_one <- function(data, group) {
  group <- droplevels(group)
  pairs <- combn(levels(group), 2, simplify = FALSE)
  lapply(data, function(x) {
    number <- is.numeric(x)
    describe_one <- if (number) describe else counts
    difference <- if (number) difference_of_numbers else difference_of_levels
    smd <- sapply(pairs, function(two) difference(x[which(group == two[1])], x[which(group == two[2])]))
    list(levels = if (number) NULL else levels(x), all = describe_one(x),
         groups = lapply(split(x, group), describe_one), smd_pairs = smd, smd = mean(smd),
         tests = if (number) tests_of_numbers(x, group) else tests_of_levels(x, group))
  })
}

as_levels <- function(data, names) {
  data[names] <- lapply(data[names], function(x) droplevels(factor(x)))
  data
}

sample <- read.csv("data/sample/patients.csv", na.strings = "", encoding = "UTF-8")
courses <- read.csv("data/sample/sts_courses.csv", na.strings = "")
sample$sts_courses <- as.vector(table(factor(courses$patient_id, sample$patient_id)))
sample$lesion_duration <- as.numeric(as.Date(sample$diagnosis_date) - as.Date(sample$onset_date)) / 30.4375
sample$stage <- factor(ifelse(sample$lesion_type %in% c("ulcer", "necrosis", "eschar"), "later", "earlier"))
sample <- as_levels(sample, c("sex", "dialysis_status", "diabetes", "warfarin", "atrial_fibrillation", "hyperparathyroidism",
                              "parathyroidectomy", "lesion_type", "lesion_site", "biopsy", "infection", "debridement"))
baseline <- c("age", "sex", "bmi", "dialysis_status", "vintage", "diabetes", "warfarin", "atrial_fibrillation",
              "hyperparathyroidism", "parathyroidectomy", "lesion_site", "lesion_duration", "pain", "biopsy", "infection",
              "calcium", "phosphate", "ipth", "alp", "albumin", "haemoglobin", "crp", "sts_courses", "debridement")

pbc <- read.csv("tests/registries/pbc_source.csv", na.strings = "")
pbc <- as_levels(pbc, c("trt", "sex", "ascites", "hepato", "spiders", "edema", "stage"))
of_pbc <- c("age", "sex", "ascites", "hepato", "spiders", "edema", "bili", "chol", "albumin", "copper", "alk.phos", "ast",
            "trig", "platelet", "protime")

colon_deaths <- as_levels(colon_deaths, c("rx", "sex", "obstruct", "perfor", "adhere", "differ", "extent", "surg"))
of_colon <- c("sex", "age", "obstruct", "perfor", "adhere", "nodes", "differ", "extent", "surg")

# tables in which expected counts are small, for Fisher's exact test alone
set.seed(20201)
random_table <- function(n, rows, columns) {
  row <- factor(sample.int(rows, n, TRUE, rexp(rows)), seq_len(rows))
  matrix(table(row, factor(sample.int(columns, n, TRUE, rexp(columns) + 0.3), seq_len(columns))), rows)
}
shapes <- expand.grid(n = c(12, 25, 51, 90), rows = 2:5, columns = 2:4)
tables <- lapply(seq_len(nrow(shapes)), function(i) do.call(random_table, shapes[i, ]))
exact <- lapply(tables, function(t) {
  kept <- t[rowSums(t) > 0, colSums(t) > 0, drop = FALSE]
  list(table = t, p_value = if (min(dim(kept)) < 2) 1 else fisher.test(kept, workspace = 2e8)$p.value)
})

result <- list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  sample_by_stage = table_one(sample[baseline], sample$stage),
  sample_by_biopsy = table_one(sample[setdiff(baseline, "biopsy")], sample$biopsy),
  pbc_by_treatment = table_one(pbc[c(of_pbc, "stage")], pbc$trt),
  pbc_by_stage = table_one(pbc[c(of_pbc, "trt")], pbc$stage),
  colon_by_treatment = table_one(colon_deaths[of_colon], colon_deaths$rx),
  colon_by_extent = table_one(colon_deaths[c("age", "nodes", "sex", "obstruct", "perfor")], colon_deaths$extent),
  fisher = exact
)
write(toJSON(result, digits = NA, auto_unbox = TRUE, na = "null", null = "null"), "tests/reference/table_one.json")
