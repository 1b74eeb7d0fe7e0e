"""Topics that customers of nearly any brand speak of; where a brand begins until it has its own."""

from earmark_config.seed import TopicSeed

_TOPICS: dict[str, dict[str, str]] = {
    "Product": {
        "Quality": "quality, well made, built, build quality, material*, sturdy, flimsy, durab*, "
        "broke, broken, breaks, defect*, faulty, falls apart, fell apart, worn out",
        "Battery": "battery, batteries, battery life, charger*, charging",
        "Screen": "screen*, display*, touchscreen*",
        "Sound": "sound quality, audio, speaker*, headphone*, microphone*, noise, noisy, loud",
        "App": "app, apps, update, updates, crash, crashes, crashed, crashing, freezes, froze, "
        "bug, bugs, buggy, glitch*",
        "Website": "website*, web site, webpage*, web page, homepage*, checkout",
        "Size and fit": "size, sizes, sizing, does not fit, doesn't fit, didn't fit, too small, "
        "too big, too large, too tight",
    },
    "Service": {
        "Delivery": "deliver*, shipping, shipped, shipment*, parcel*, "
        "package, packages, courier*, tracking number, never arrived, not arrived, arrived late",
        "Support": "support, customer service, customer care, customer support, helpline, "
        "help desk, helpdesk, hotline, call center, call centre, live chat, chatbot, chat bot, "
        "on hold, representative*",
        "Staff": "staff, employee*, cashier*, crew, driver, drivers, manager, managers, waiter*, "
        "waitress*, receptionist*",
        "Account": "account, accounts, log in, login, log into, logged out, logs me out, "
        "logging in, sign in, signing in, password*, verification code, locked out",
        "Outage": "outage*, downtime, is down, are down, went down, down again, down for, offline, "
        "not loading, error message, error code",
    },
    "Money": {
        "Price": "price, prices, priced, pricing, pricey, overpriced, expensive, cheap, cheaper, "
        "affordable, price increase*, price hike*, worth the money, value for money",
        "Refund": "refund*, money back, reimburse*, return, returns, returned, returning",
        "Billing": "billing, billed, bill, bills, invoice*, charged, overcharged, charge me, "
        "charges, payment*, direct debit, credit card",
        "Subscription": "subscription*, subscribe, subscribed, subscriber*, membership*, "
        "cancel, cancels, cancelled, canceled, cancelling, canceling, cancellation*, free trial",
    },
}


def everyday_topics() -> tuple[TopicSeed, ...]:
    """Gives the topics, to be applied with a brand; they can be changed by a seed afterwards."""
    return tuple(
        TopicSeed(area=area, name=name, words=tuple(words.split(", ")))
        for area, topics in _TOPICS.items()
        for name, words in topics.items()
    )
