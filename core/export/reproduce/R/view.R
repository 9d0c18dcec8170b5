# The view: its choices, its data, and the numbers that are found on the way.

DAYS_PER_MONTH <- 30.4375
VIEW <- fromJSON("view.json", simplifyVector = FALSE)
EXPECTED <- fromJSON("expected.json", simplifyVector = FALSE)
found <- list()

# Keeps a number that was computed, under its name in expected.json.
note <- function(value, ...) found[[paste(..., sep = "; ")]] <<- as.numeric(value)

read_data <- function() {
  text <- unlist(VIEW$text_columns)
  data <- read.csv("data.csv", check.names = FALSE, na.strings = "", encoding = "UTF-8", comment.char = "",
                   colClasses = setNames(rep("character", length(text)), text))
  data$time <- data$time_days / DAYS_PER_MONTH
  if (VIEW$late_entry) data[["entry"]] <- data$entry_days / DAYS_PER_MONTH
  mark <- VIEW$landmark
  if (mark > 0) {  # whoever is still followed at the landmark; the clock restarts there
    data <- data[data$time > mark, ]
    data$time <- data$time - mark
    if (VIEW$late_entry) {
      if (any(data[["entry"]] > mark)) data[["entry"]] <- pmax(data[["entry"]] - mark, 0) else data[["entry"]] <- NULL
    }
  }
  data
}

# The response of a model: with late entry, patients are at risk from their entry on.
response <- function(d, event) if (is.null(d[["entry"]])) Surv(d$time, event) else Surv(d[["entry"]], d$time, event)
at_risk <- function(d, t) sum((if (is.null(d[["entry"]])) -1 else d[["entry"]]) < t & d$time >= t)
