"""Colours. The defaults keep to hues that people with any colour vision tell apart.

They start from the Okabe-Ito set (sky blue, bluish green, yellow, vermillion, reddish purple),
lightened for a dark background or darkened for a light one.
"""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="swapdeck",
    primary="#62b6e8",
    secondary="#8fa3b8",
    accent="#d48fb8",
    success="#3dbd98",
    warning="#e8c95a",
    error="#ee8152",
    foreground="#d5dce4",
    background="#10151b",
    surface="#10151b",
    panel="#1a222c",
    boost="#222c38",
    dark=True,
    variables={
        "footer-background": "#161d25",
        "footer-key-foreground": "#62b6e8",
        "footer-description-foreground": "#9aa8b6",
        "scrollbar": "#2a3541",
        "scrollbar-background": "#10151b",
        "scrollbar-hover": "#3a4857",
        "scrollbar-active": "#62b6e8",
        "quiet": "#7f8d9b",
        "rule": "#28323e",
        "selected": "#1f3242",
    },
)

LIGHT = Theme(
    name="swapdeck-light",
    primary="#00659f",
    secondary="#51626f",
    accent="#9b3f75",
    success="#00765a",
    warning="#7d6000",
    error="#b24500",
    foreground="#1d252c",
    background="#fbfbf9",
    surface="#fbfbf9",
    panel="#efefec",
    boost="#e4e4e0",
    dark=False,
    variables={
        "footer-background": "#efefec",
        "footer-key-foreground": "#00659f",
        "footer-description-foreground": "#51626f",
        "quiet": "#66727c",
        "rule": "#d6d6d1",
        "selected": "#d7e8f4",
    },
)

# What the other themes lack: our own CSS names these.
DEFAULT_VARIABLES = {"quiet": "#808a94", "rule": "#4a525a", "selected": "#2b4a61"}
