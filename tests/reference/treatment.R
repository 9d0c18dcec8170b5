# Writes tests/reference/treatment.json and tests/reference/data/treatment_*.csv.
# Run from the repository root:  Rscript tests/reference/treatment.R
# Needs R with survival (>= 3.5), KMsurv and jsonlite. Exposures that begin during follow-up, split by tmerge and survSplit.
Sys.setlocale("LC_COLLATE", "C")
suppressMessages({library(survival); library(jsonlite)})
kmsurv <- function(name) { e <- new.env(); data(list = name, package = "KMsurv", envir = e); get(name, e) }
here <- "tests/reference"
control <- coxph.control(eps = 1e-14, iter.max = 200)

# Columns: time, event, one column a_, b_, .. for the time of each exposure (NA never), other columns known at the start
sets <- list(
  jasa = with(jasa, data.frame(time = pmax(futime, 0.5), event = fustat,
                               a_transplant = ifelse(transplant == 1, wait.time, NA), age = age, surgery = surgery)),
  burn = with(kmsurv("burn"), data.frame(time = T3, event = D3, a_excision = ifelse(D1 == 1, T1, NA),
                                         b_antibiotic = ifelse(D2 == 1, T2, NA), treatment = Z1, burned = Z4)),
  bmt = with(kmsurv("bmt"), data.frame(time = t1, event = d1, a_platelets = ifelse(dp == 1, tp, NA),
                                       b_acute = ifelse(da == 1, ta, NA), c_chronic = ifelse(dc == 1, tc, NA),
                                       group = group, age = z1))
)
landmarks <- c(jasa = 30, burn = 10, bmt = 60)

coefs <- function(f) {
  s <- summary(f)$coefficients
  list(n = f$n, n_event = f$nevent, coef = unname(coef(f)), std_error = unname(sqrt(diag(vcov(f)))),
       p_value = unname(s[, "Pr(>|z|)"]), log_likelihood = f$loglik, score = f$score)
}
split_all <- function(d, exposures) {
  d$id <- seq_len(nrow(d))
  long <- tmerge(d[, setdiff(names(d), exposures)], d, id = id, death = event(time, event))
  for (x in exposures) { d$since <- d[[x]]; long <- do.call(tmerge, list(long, d, id = quote(id), now = quote(tdc(since))))
                         names(long)[names(long) == "now"] <- paste0("now_", x) }
  long
}
three <- function(d, exposure, landmark) {
  d$ever <- !is.na(d[[exposure]])
  kept <- d[d$time > landmark, ]; kept$time <- kept$time - landmark
  kept$by <- !is.na(kept[[exposure]]) & kept[[exposure]] <= landmark
  long <- split_all(d, exposure); long$now <- long[[paste0("now_", exposure)]]
  list(naive = coefs(coxph(Surv(time, event) ~ ever, d, control = control)),
       landmark = coefs(coxph(Surv(time, event) ~ by, kept, control = control)),
       time_dependent = coefs(coxph(Surv(tstart, tstop, death) ~ now, long, control = control)),
       person_time = c(sum((long$tstop - long$tstart)[long$now == 1]), sum((long$tstop - long$tstart)[long$now == 0])),
       landmark_at = landmark)
}
result <- list(versions = list(R = as.character(getRversion()), survival = as.character(packageVersion("survival")),
                               KMsurv = as.character(packageVersion("KMsurv"))))
formulas <- list(jasa = ~ now_a_transplant + age + surgery, burn = ~ now_a_excision + now_b_antibiotic + treatment + burned,
                 bmt = ~ now_a_platelets + now_b_acute + now_c_chronic + factor(group) + age)
for (name in names(sets)) {
  d <- sets[[name]]
  exposures <- grep("^[a-z]_", names(d), value = TRUE)
  long <- split_all(d, exposures)
  several <- coxph(update(Surv(tstart, tstop, death) ~ ., formulas[[name]]), long, control = control)
  breslow <- coxph(update(Surv(tstart, tstop, death) ~ ., formulas[[name]]), long, ties = "breslow", control = control)
  result$sets[[name]] <- list(
    exposures = I(exposures), rows = list(entry = long$tstart, time = long$tstop, event = long$death, patient = long$id - 1,
    exposed = lapply(setNames(exposures, exposures), function(x) long[[paste0("now_", x)]])),
    several = coefs(several), breslow = coefs(breslow),
    three = lapply(setNames(exposures, exposures), function(x) three(d, x, landmarks[[name]])))
  write.csv(format(d, digits = 17, trim = TRUE), file.path(here, "data", paste0("treatment_", name, ".csv")),
            row.names = FALSE, quote = FALSE, na = "")
}
# R's own split of the Stanford data
result$heart <- coefs(coxph(Surv(start, stop, event) ~ transplant, heart, control = control))

# The synthetic sample, death from any cause, months of 30.4375 days
day <- function(x) as.numeric(as.Date(ifelse(x == "", NA, x)))
p <- read.csv("data/sample/patients.csv", stringsAsFactors = FALSE)
courses <- read.csv("data/sample/sts_courses.csv", stringsAsFactors = FALSE)
month <- 30.4375
zero <- setNames(day(p$diagnosis_date), p$patient_id)
d <- data.frame(id = seq_len(nrow(p)), time = day(p$last_contact_date) - zero, event = as.integer(p$death_date != ""),
                later = as.integer(p$lesion_type %in% c("ulcer", "necrosis", "eschar")), age = p$age,
                infection = day(p$infection_date) - zero)
courses$id <- match(courses$patient_id, p$patient_id)
courses$start <- day(courses$start) - zero[courses$patient_id]
courses$stop <- day(courses$stop) - zero[courses$patient_id]
kth <- function(k, column) { x <- rep(NA, nrow(d)); one <- courses[courses$course == k, ]; x[one$id] <- one[[column]]; x }
of_sample <- function(column) lapply(seq_len(max(courses$course)), function(k) {
  d$since <- kth(k, column)
  long <- tmerge(d[, c("id", "later")], d, id = id, death = event(time, event), now = tdc(since))
  coefs(coxph(Surv(tstart, tstop, death) ~ now, long, control = control))
})
per_course <- function(column) {
  courses$when <- courses[[column]]
  long <- tmerge(d[, c("id", "later")], d, id = id, death = event(time, event))
  long <- tmerge(long, courses, id = id, number = cumtdc(when))
  long$number[is.na(long$number)] <- 0
  coefs(coxph(Surv(tstart, tstop, death) ~ number, long, control = control))
}
# the same by cutting everybody at every event time and looking up who is exposed
d$third <- kth(3, "start")
cut_all <- survSplit(Surv(time, event) ~ ., d, cut = sort(unique(d$time[d$event == 1])))
cut_all$now <- as.integer(!is.na(cut_all$third) & cut_all$third < cut_all$time)
by_cuts <- coefs(coxph(Surv(tstart, time, event) ~ now, cut_all, control = control))
both <- tmerge(d[, c("id", "later", "age")], d, id = id, death = event(time, event), third = tdc(third),
               infected = tdc(infection))
result$sample <- list(
  three = three(transform(d[, c("time", "event", "third")], time = time / month, third = third / month), "third", 3),
  start = of_sample("start"), stop = of_sample("stop"), per_course = per_course("start"), by_cuts = by_cuts,
  adjusted = coefs(coxph(Surv(tstart, tstop, death) ~ third + infected + later + age, both, control = control)))
write_json(result, file.path(here, "treatment.json"), digits = NA, auto_unbox = TRUE, na = "null")
