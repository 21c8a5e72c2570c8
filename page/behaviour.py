"""What a page does that Streamlit does not: its language is told, a new answer is read from its start, a release at its mark;
what opens beside the answer has the keyboard, and gives it back when it closes.

The scripts are ours and hold numbers and language codes only; no word of a release or a question ever gets into one.
"""

from __future__ import annotations

import json

import streamlit as st

from page.words import language

_SCRIPT = """<script>
(() => {{
  const told = {told};
  document.documentElement.lang = told.language;
  const place = (selector, block) => {{
    let left = 60; // looks, while what stands above it is still being drawn, until the reader moves
    const look = () => {{
      document.querySelector(selector)?.scrollIntoView({{ block, behavior: "instant" }});
      if (left-- > 0) window.setTimeout(look, 50);
    }};
    const stop = () => (left = 0);
    ["wheel", "touchmove", "keydown"].forEach((move) => window.addEventListener(move, stop, {{ once: true }}));
    // On a scroll bar; who presses something in the answer itself must not have it scrolled away.
    window.addEventListener("pointerdown", (event) => event.target.closest?.(selector) || stop());
    look();
  }};
  const focus = (left) => {{
    const close = document.querySelector(".st-key-close button");
    if (!close) {{ if (left > 0) window.setTimeout(() => focus(left - 1), 50); return; }}
    if (document.activeElement?.closest(".st-key-sheet")) return;
    window.openedFrom = document.activeElement;
    close.focus({{ preventScroll: true }});
  }};
  if (told.sheet) focus(60);
  else if (window.openedFrom?.isConnected) window.openedFrom.focus({{ preventScroll: true }});
  if (told.turn) place(".st-key-turn-" + told.turn, "start");
  if (told.sheet) place(".st-key-sheet .release mark", "center");
}})();
</script>"""


def show_behaviour(turn: int, sheet: int) -> None:
    """Scroll to the answer of that number, and within the sheet to its mark; 0 for none. The same numbers again do nothing."""
    told = json.dumps({"language": language(), "turn": turn, "sheet": sheet})
    st.html(_SCRIPT.format(told=told), unsafe_allow_javascript=True)
