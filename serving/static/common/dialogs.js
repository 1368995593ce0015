// What every dialog of a page keeps to.

// A key that closes a dialog must not act on the desk below as well.
// One that closed would keep the focus until the next frame, and swallow the key that comes before it.
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  new MutationObserver(() => {
    if (!dialog.open && dialog.contains(document.activeElement)) document.activeElement.blur();
  }).observe(dialog, { attributeFilter: ["open"] });
}

export function isOpen() { return Boolean(document.querySelector("dialog[open]")); }
