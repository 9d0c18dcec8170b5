"""CalciScope's analysis: registry, cohort, endpoints, survival statistics and charts. Knows nothing of the screen."""
