"""The answer at a glance: counts, curve, hazard ratios."""

from pages.components.entry import require_app
from pages.components.figures import forest_panel, headline_numbers, survival_panel
from pages.components.panels import heading
from pages.components.second_engine import confirmation
from pages.components.sidebar import current_analysis
from pages.components.source import load_registry

require_app()
registry = load_registry()
analysis = current_analysis(registry, "overview")

heading("At a glance", analysis)
headline_numbers(analysis)
survival_panel(analysis, key="overview_curve")
forest_panel(analysis, registry.dictionary.headline, key="overview_forest", title="Main covariates, each on its own")
confirmation(analysis, [v for v in registry.dictionary.headline if not v.is_post_baseline])
