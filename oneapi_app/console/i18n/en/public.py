"""Front page, about, not found."""

TEXTS = {
    "about": "About",
    "about_origin": "Compatible with One API in its interfaces and its database: tokens, channels, users and clients keep working unchanged.",
    "about_text": "A gateway for language models: the keys of many providers in one place, one OpenAI-compatible interface in front of them, metered and limited per token.",
    "about_title": "About {name}",
    "base_address": "Base URL",
    "billing": "Exact accounting",
    "billing_text": "Reserved before sending, settled once. Tokens have a quota, an expiry, allowed models and subnets, and every figure is exact to the unit.",
    "compatible": "OpenAI compatible",
    "compatible_text": "Chat, streaming, tool calls, embeddings. Change the address and the key, and what you already run reaches every model.",
    "front": "Home",
    "headline": "One API for every model",
    "home": "Back to the front page",
    "lead": "Keep your providers' keys in one place, hand out tokens to people and apps, and know what every call has cost.",
    "lost": "There is no such page",
    "lost_text": "The address may be wrong, or the page has moved.",
    "notice": "Notice",
    "routing": "Fails over by itself",
    "routing_text": "Channels are chosen by priority and weight. When one fails the next takes over; broken ones are taken out and put back on their own.",
    "to_console": "Open the console",
    "version": "Version {version}",
}
