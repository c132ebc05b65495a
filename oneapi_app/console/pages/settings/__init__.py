"""Settings of the site, for root."""
