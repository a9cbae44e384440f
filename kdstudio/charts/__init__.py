"""Drawing what a run measures: curves, heat maps, bars, picture galleries and tables, each on a card."""
