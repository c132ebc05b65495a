"""One folder per area: `page.py` draws, `state.py` asks the services."""
