# Natural cubic splines in Cox models, by R.   Rscript tests/reference/functional_form.R   (from the repository root)
library(survival)
library(splines)
library(jsonlite)
control <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)

shape <- function(time, event, x, df) {
  d <- na.omit(data.frame(time, event, x))
  spline <- coxph(Surv(time, event) ~ ns(x, df = df), data = d, control = control)
  line <- coxph(Surv(time, event) ~ x, data = d, control = control)
  basis <- ns(d$x, df = df)
  at <- seq(min(d$x), max(d$x), length.out = 101)[c(1, 11, 31, 61, 91, 101)]
  contrast <- sweep(predict(basis, at), 2, predict(basis, median(d$x)))
  list(df = df, n = nrow(d), value = at, coef = as.vector(contrast %*% coef(spline)),
       std_error = sqrt(rowSums((contrast %*% vcov(spline)) * contrast)),
       any_effect = 2 * diff(spline$loglik), not_straight = 2 * (spline$loglik[2] - line$loglik[2]))
}
out <- list(
  versions = list(R = paste(R.version$major, R.version$minor, sep = "."), survival = as.character(packageVersion("survival"))),
  lung_age = shape(lung$time, lung$status == 2, lung$age, 3),
  lung_wt_loss = shape(lung$time, lung$status == 2, lung$wt.loss, 4),
  veteran_karno = shape(veteran$time, veteran$status == 1, veteran$karno, 3),
  pbc_bili = shape(pbc$time, pbc$status == 2, pbc$bili, 3)
)
write_json(out, "tests/reference/functional_form.json", digits = NA, auto_unbox = TRUE)
