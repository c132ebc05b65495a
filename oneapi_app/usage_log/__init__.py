"""The usage log: what happened, who asked, what it cost; and the figures drawn from it."""
