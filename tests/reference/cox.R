# Writes tests/reference/cox.json and tests/reference/data/cox_*.csv.
# Run from the repository root:  Rscript tests/reference/cox.R
# Needs R with survival (>= 3.5), KMsurv, cmprsk and jsonlite.
Sys.setlocale("LC_COLLATE", "C")
suppressMessages({library(survival); library(cmprsk); library(jsonlite)})
kmsurv <- function(name) { e <- new.env(); data(list = name, package = "KMsurv", envir = e); get(name, e) }
here <- "tests/reference"
tight <- suppressWarnings(coxph.control(eps = 1e-14, iter.max = 100))

# Every data set: time, cause, covariates; entry and stratum where there are any. Text columns are categories.
with_columns <- function(d, time, cause, covariates, entry = NULL, stratum = NULL) {
  out <- data.frame(time = as.numeric(time), cause = as.integer(cause))
  if (!is.null(entry)) out$entry <- as.numeric(entry)
  if (!is.null(stratum)) out$stratum <- as.integer(factor(stratum))
  out <- cbind(out, d[, covariates, drop = FALSE])
  names(out) <- gsub(".", "_", names(out), fixed = TRUE)
  out
}
sets <- list()
d <- within(lung, { ph.ecog <- factor(ph.ecog); sex <- factor(sex, 1:2, c("male", "female")) })
sets$lung <- with_columns(d, d$time, d$status == 2, c("age", "sex", "ph.ecog", "wt.loss"))
sets$lung_tied <- with_columns(d, ceiling(d$time / 90), d$status == 2, c("age", "sex", "ph.ecog", "wt.loss"))
sets$lung_strata <- with_columns(d, d$time, d$status == 2, c("age", "ph.karno", "wt.loss"), stratum = d$sex)
sets$veteran <- with_columns(veteran, veteran$time, veteran$status, c("celltype", "karno", "age", "trt"))
sets$ovarian <- with_columns(ovarian, ovarian$futime, ovarian$fustat, c("age", "rx", "ecog.ps"))
d <- within(pbc, edema <- factor(edema))
sets$pbc <- with_columns(d, d$time, d$status == 2, c("age", "edema", "bili", "protime", "stage"))
sets$pbc_stage <- with_columns(d, d$time, d$status == 2, "stage")
d <- subset(colon, etype == 2)
sets$colon <- with_columns(d, d$time, d$status, c("rx", "age", "nodes", "obstruct", "differ"))
d <- within(kmsurv("larynx"), stage <- factor(stage))
sets$larynx <- with_columns(d, d$time, d$delta, c("stage", "age", "diagyr"))
sets$heart <- with_columns(heart, heart$stop, heart$event, c("age", "year", "surgery", "transplant"), entry = heart$start)
sets$jasa <- with_columns(jasa1, jasa1$stop, jasa1$event, c("age", "transplant"), entry = jasa1$start, stratum = jasa1$surgery)
d <- within(kmsurv("bmt"), group <- factor(group))
sets$bmt <- with_columns(d, d$t2, d$d3, c("group", "z1", "z2", "z8", "z10"))
d <- within(kmsurv("burn"), Z11 <- factor(Z11))
sets$burn <- with_columns(d, d$T3, d$D3, c("Z1", "Z3", "Z4", "Z11"))
sets$kidney <- with_columns(kidney, kidney$time, kidney$status, c("age", "sex", "disease"))
sets$rats <- with_columns(rats, rats$time, rats$status, "rx", stratum = rats$litter)
sets$diabetic <- with_columns(diabetic, diabetic$time, diabetic$status, c("trt", "risk"), stratum = diabetic$id)
d <- subset(mgus2, futime > 0)
sets$mgus2 <- with_columns(d, d$futime, d$death, c("age", "sex", "hgb", "creat", "mspike"))
sets$mgus2_age <- with_columns(d, d$age * 12 + d$futime, d$death, c("sex", "hgb", "mspike"), entry = d$age * 12)
sets$cgd <- with_columns(cgd, cgd$tstop, cgd$status, c("treat", "age", "inherit", "steroids"), entry = cgd$tstart)
d <- subset(kmsurv("channing"), age > ageentry)
sets$channing <- with_columns(within(d, gender <- factor(gender)), d$age, d$death, "gender", entry = d$ageentry)
sets$rotterdam <- with_columns(rotterdam, rotterdam$dtime, rotterdam$death, c("age", "size", "grade", "nodes", "hormon"))
sets$retinopathy <- with_columns(retinopathy, retinopathy$futime, retinopathy$status, c("trt", "age", "type", "risk"))
sets$six <- data.frame(time = c(1, 1, 6, 6, 8, 9), cause = c(1L, 0L, 1L, 1L, 0L, 1L), x = c(1, 1, 1, 0, 0, 0))
# a category without events beside sound covariates; a column that is determined by others
d <- within(lung, { ward <- factor(ifelse(age < 50 & status == 1, "c", ifelse(sex == 1, "a", "b"))); double <- 2 * age - wt.loss })
sets$no_events_in_level <- with_columns(d, d$time, d$status == 2, c("ward", "age", "wt.loss"))
sets$collinear <- with_columns(d, d$time, d$status == 2, c("age", "wt.loss", "double"))

covariates_of <- function(d) setdiff(names(d), c("time", "cause", "entry", "stratum"))
response <- function(d) if (is.null(d$entry)) "Surv(time, cause)" else "Surv(entry, time, cause)"
model <- function(d, terms, ties) {
  text <- paste(response(d), "~", paste(terms, collapse = " + "), if (!is.null(d$stratum)) "+ strata(stratum)")
  suppressWarnings(coxph(as.formula(text), d, ties = ties, control = tight))
}
one <- function(fit) {
  s <- suppressWarnings(summary(fit))
  list(term = names(coef(fit)), coef = unname(coef(fit)), std_error = unname(sqrt(diag(vcov(fit)))),
       log_likelihood = fit$loglik, tests = unname(c(s$logtest[1], s$waldtest[1], s$sctest[1])), df = unname(s$logtest[2]),
       test_p_value = unname(c(s$logtest[3], s$waldtest[3], s$sctest[3])),
       concordance = unname(s$concordance), n = fit$n, n_event = fit$nevent)
}
zph <- function(fit, transform) {
  z <- cox.zph(fit, transform = transform)
  list(term = rownames(z$table), statistic = unname(z$table[, 1]), df = unname(z$table[, 2]), p_value = unname(z$table[, 3]))
}
result <- list()
for (name in names(sets)) {
  d <- sets[[name]]
  result[[name]] <- list(covariates = covariates_of(d), levels = lapply(Filter(is.factor, d), levels))
  for (ties in c("efron", "breslow")) {
    fit <- model(d, covariates_of(d), ties)
    entry <- list(model = one(fit))
    if (!name %in% c("no_events_in_level", "collinear", "six")) {
      entry$zph <- sapply(c("km", "identity", "log", "rank"), zph, fit = fit, simplify = FALSE)
      if (nrow(d) < 500) {
        z <- cox.zph(fit, terms = FALSE)
        entry$residuals <- list(time = z$time, scaled = unname(z$y), transformed_time = z$x)
      }
    }
    if (is.null(d$stratum)) {
      entry$each <- lapply(setNames(covariates_of(d), covariates_of(d)), function(v) one(model(d, v, ties)))
    }
    result[[name]][[ties]] <- entry
  }
}

interaction <- function(d, a, b) {
  keep <- complete.cases(d[, c(a, b)])
  main <- coxph(as.formula(paste("Surv(time, cause) ~", a, "+", b)), d[keep, ], control = tight)
  full <- coxph(as.formula(paste("Surv(time, cause) ~", a, "*", b)), d[keep, ], control = tight)
  nested <- coxph(as.formula(paste("Surv(time, cause) ~", b, "+", a, ":", b)), d[keep, ], control = tight)
  chosen <- grep(":", names(coef(nested)))
  test <- anova(main, full)
  list(a = a, b = b, statistic = test$Chisq[2], df = test$Df[2], term = names(coef(nested))[chosen],
       coef = unname(coef(nested)[chosen]), std_error = unname(sqrt(diag(vcov(nested)))[chosen]))
}
interactions <- suppressWarnings(list(
  lung = interaction(sets$lung, "age", "sex"), colon = interaction(sets$colon, "nodes", "rx"),
  veteran = interaction(sets$veteran, "karno", "celltype"), pbc = interaction(sets$pbc, "bili", "edema")))

# competing risks: cause 1 is modelled, 2 competes
competing <- list()
d <- within(mgus2, { etime <- ifelse(pstat == 0, futime, ptime); cause <- ifelse(pstat == 0, 2 * death, 1); male <- as.numeric(sex == "M") })
competing$mgus2 <- with_columns(d, d$etime, d$cause, c("age", "male", "mspike"))
d <- within(pbc, female <- as.numeric(sex == "f"))
competing$pbc <- with_columns(d, d$time, c(0, 2, 1)[d$status + 1], c("age", "female", "bili"))
d <- kmsurv("bmt")
competing$bmt <- with_columns(within(d, high <- as.numeric(group == 3)), d$t2, ifelse(d$d2 == 1, 1, 2 * d$d1), c("high", "z1", "z2"))
d <- within(subset(transplant, futime > 0), { male <- as.numeric(sex == "m"); year <- year - 1995 })
competing$transplant <- with_columns(d, ceiling(d$futime / 30), c(0, 2, 1, 2)[as.integer(d$event)], c("age", "male", "year"))
d <- within(colon[!duplicated(colon$id), ], { lev <- as.numeric(rx == "Lev"); fu <- as.numeric(rx == "Lev+5FU") })
recur <- subset(colon, etype == 1); death <- subset(colon, etype == 2)
competing$colon <- with_columns(d, ceiling(pmin(recur$time, death$time) / 60),
  ifelse(recur$status == 1, 1, ifelse(death$status == 1, 2, 0)), c("lev", "fu", "nodes"))
for (name in names(competing)) competing[[name]] <- competing[[name]][complete.cases(competing[[name]]), ]
fine_gray <- lapply(competing, function(d) {
  stopifnot(sum(d$cause == 1) > 10, sum(d$cause == 2) > 10)
  fit <- crr(d$time, d$cause, as.matrix(d[, covariates_of(d)]), gtol = 1e-10, maxiter = 100)
  list(term = covariates_of(d), coef = unname(fit$coef), std_error = sqrt(diag(fit$var)), log_likelihood = c(fit$loglik.null, fit$loglik))
})
d <- within(subset(mgus2, pmin(futime, ptime) > 0), { etime <- ifelse(pstat == 0, futime, ptime); cause <- ifelse(pstat == 0, 2 * death, 1); male <- as.numeric(sex == "M") })
d <- with_columns(d, d$age * 12 + d$etime, d$cause, c("male", "hgb", "mspike"), entry = d$age * 12)
d <- d[complete.cases(d), ]
competing$mgus2_age <- d
d$id <- d$patient <- seq_len(nrow(d))
long <- finegray(Surv(entry, time, factor(cause, 0:2)) ~ male + hgb + mspike + patient, d, id = id, etype = "1")
fit <- suppressWarnings(coxph(Surv(fgstart, fgstop, fgstatus) ~ male + hgb + mspike + cluster(patient), long, weights = fgwt, ties = "breslow", control = tight))
fine_gray$mgus2_age <- list(term = c("male", "hgb", "mspike"), coef = unname(coef(fit)), std_error = unname(sqrt(diag(vcov(fit)))), log_likelihood = fit$loglik)

for (name in names(sets)) write.csv(sets[[name]], file.path(here, "data", paste0("cox_", name, ".csv")), row.names = FALSE, na = "")
for (name in names(competing)) write.csv(competing[[name]], file.path(here, "data", paste0("cox_competing_", name, ".csv")), row.names = FALSE, na = "")
versions <- c(R = as.character(getRversion()), sapply(c("survival", "cmprsk", "KMsurv"), function(p) as.character(packageVersion(p))))
write_json(list(versions = as.list(versions), sets = result, interactions = interactions, fine_gray = fine_gray),
  file.path(here, "cox.json"), digits = NA, auto_unbox = TRUE, na = "null", null = "null")
