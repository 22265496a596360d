// The confirm dialog an element may ask for before it is used.

import { h } from "./dom.js";
import { text } from "./mrkdwn.js";

const dialog = document.getElementById("confirm");

/** Ask; true only for the confirming button, not for Escape or a click beside. */
export function confirmed(asked) {
  return new Promise((resolve) => {
    const answer = (yes) => {
      dialog.onclose = null;
      dialog.close();
      resolve(yes);
    };
    const style = asked.style === "danger" ? "danger" : "primary";
    const buttons = [
      h("button", { class: "button", type: "button", "data-testid": "confirm-deny", onclick: () => answer(false) }, text(asked.deny)),
      h("button", { class: `button ${style}`, type: "button", "data-testid": "confirm-accept", onclick: () => answer(true) }, text(asked.confirm)),
    ];
    dialog.replaceChildren(
      h("header", {}, h("h2", { id: "confirm-title" }, text(asked.title))),
      h("div", { class: "dialog-body" }, text(asked.text)),
      h("footer", {}, buttons),
    );
    dialog.setAttribute("aria-labelledby", "confirm-title");
    dialog.onclose = () => resolve(false);
    dialog.onclick = (event) => event.target === dialog && answer(false);
    dialog.showModal();
  });
}
