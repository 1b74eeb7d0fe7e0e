"""How it looks: Streamlit's settings for both modes, and the little CSS they cannot express."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from streamlit import config

ASSETS = Path(__file__).with_name("assets")
LOGO = str(ASSETS / "logo.svg")
MARK = str(ASSETS / "mark.svg")

ACCENT = {"light": "#4338ca", "dark": "#818cf8"}
INK = {"light": "#344054", "dark": "#c9d1de"}
LABEL_COLOURS = {
    "positive": "#17855b",
    "neutral": "#98a2b3",
    "negative": "#c8372d",
    "unscored": "#d6dae1",
}

_SHARED: Mapping[str, Any] = {
    "theme.baseFontSize": 15,
    "theme.baseRadius": "8px",
    "theme.buttonRadius": "8px",
    "theme.headingFontSizes": ["21px", "17px", "15px", "14px", "14px", "14px"],
    "theme.headingFontWeights": [650, 650, 650, 650, 600, 600],
    "theme.metricValueFontSize": "30px",
    "theme.metricValueFontWeight": 400,
    "theme.paddingTop": "4px",
    "theme.paddingBottom": "12px",
    "theme.linkUnderline": True,
    "theme.showSidebarBorder": True,
    "theme.sidebar.paddingTop": "8px",
}

_LIGHT: Mapping[str, Any] = {
    "primaryColor": "#4338ca",
    "backgroundColor": "#ffffff",
    "secondaryBackgroundColor": "#f8f9fb",
    "textColor": "#101828",
    "borderColor": "#e4e7ec",
    "linkColor": "#4338ca",
    "grayTextColor": "#475467",
    "redTextColor": "#b42318",
    "redBackgroundColor": "#fef3f2",
    "greenTextColor": "#067647",
    "greenBackgroundColor": "#ecfdf3",
    "orangeTextColor": "#93370d",
    "orangeBackgroundColor": "#fffaeb",
    "chartCategoricalColors": ["#4338ca", "#98a2b3", "#c8372d", "#17855b", "#b7791f", "#0e7490"],
    "sidebar.backgroundColor": "#f8f9fb",
    "sidebar.secondaryBackgroundColor": "#eceef3",
    "sidebar.borderColor": "#e4e7ec",
}

_DARK: Mapping[str, Any] = {
    "primaryColor": "#818cf8",
    "backgroundColor": "#0f1218",
    "secondaryBackgroundColor": "#171b23",
    "textColor": "#e6e9ef",
    "borderColor": "#2a303c",
    "linkColor": "#a5b4fc",
    "grayTextColor": "#a3adbd",
    "redTextColor": "#fda29b",
    "redBackgroundColor": "#3a1512",
    "greenTextColor": "#75e0a7",
    "greenBackgroundColor": "#0c2e20",
    "orangeTextColor": "#fec84b",
    "orangeBackgroundColor": "#33260b",
    "chartCategoricalColors": ["#818cf8", "#8b95a7", "#f0776c", "#4cc38a", "#e0b050", "#38bdd1"],
    "sidebar.backgroundColor": "#12161d",
    "sidebar.secondaryBackgroundColor": "#1f2530",
    "sidebar.borderColor": "#2a303c",
}

_SERVER: Mapping[str, Any] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "runner.magicEnabled": False,
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "server.allowRunOnSave": False,
    "server.enableAgentApi": False,
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.xsrfCookieSameSite": "strict",
    "server.disconnectedSessionTTL": 900,
    "server.websocketPingInterval": 20,
    "server.maxUploadSize": 5,
}


def options(allowed_hosts: list[str]) -> dict[str, Any]:
    """Gives every Streamlit setting the dashboard runs with; no file of the user changes one."""
    mine = {**_SERVER, **_SHARED, "server.allowedHosts": allowed_hosts}
    mine |= {f"theme.light.{key}": value for key, value in _LIGHT.items()}
    mine |= {f"theme.dark.{key}": value for key, value in _DARK.items()}
    return mine


def apply(allowed_hosts: list[str]) -> None:
    """Sets Streamlit up; before the application is built."""
    for key, value in options(allowed_hosts).items():
        config.set_option(key, value)


@cache
def page_css() -> str:
    """Gives the style of the page around the components, as one style element."""
    return f"<style>{(ASSETS / 'page.css').read_text('utf-8')}</style>"
