"""Who is in it: counts and how the filters lead to them."""

from pages.components.entry import require_app
from pages.components.figures import attrition_panel
from pages.components.panels import heading
from pages.components.sidebar import current_analysis
from pages.components.source import load_registry
from pages.components.tables import counts_panel, findings_panel

require_app()
registry = load_registry()
analysis = current_analysis(registry, "cohort")

heading("Who is in this cohort?", analysis)
attrition_panel(analysis)
counts_panel(analysis)
findings_panel(registry)
