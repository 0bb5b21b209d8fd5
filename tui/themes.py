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

# Okabe and Ito's own colours, as far apart in lightness as they can be told on black: no state is
# told from another by red against green, nor by a hue alone.
CLEAR = Theme(
    name="swapdeck-clear",
    primary="#56b4e9",
    secondary="#b8c4d0",
    accent="#f0b4d8",
    success="#a8f0dc",
    warning="#f0e442",
    error="#ff8c42",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#16202a",
    boost="#203040",
    dark=True,
    variables={
        "footer-background": "#16202a",
        "footer-key-foreground": "#56b4e9",
        "footer-description-foreground": "#d0dae4",
        "scrollbar": "#4a5c6e",
        "scrollbar-background": "#000000",
        "quiet": "#b0bcc8",
        "rule": "#4a5c6e",
        "selected": "#0f4a75",
    },
)

# The terminal's own sixteen colours: for consoles that have no others, and for people who have set
# theirs.
ANSI = Theme(
    name="swapdeck-ansi",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_cyan",
    accent="ansi_magenta",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    variables={
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "footer-background": "ansi_default",
        "footer-key-foreground": "ansi_cyan",
        "footer-description-foreground": "ansi_default",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
        "scrollbar": "ansi_bright_black",
        "scrollbar-background": "ansi_default",
        "scrollbar-hover": "ansi_white",
        "scrollbar-active": "ansi_cyan",
        "quiet": "ansi_bright_black",
        "rule": "ansi_bright_black",
        "selected": "ansi_blue",
    },
)

OURS = (DARK, LIGHT, CLEAR, ANSI)

# What the other themes lack: our own CSS names these.
DEFAULT_VARIABLES = {"quiet": "#808a94", "rule": "#4a525a", "selected": "#2b4a61"}
