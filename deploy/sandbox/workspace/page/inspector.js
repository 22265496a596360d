// The delivery inspector: every call of the app and every delivery to it, newest first, with what was in them.

import { h, redraw } from "./dom.js";
import { journal } from "./store.js";

let filter = "all";
const open = new Set();

/** Draw the journal into a place. */
export async function drawInspector(place) {
  const entries = (await journal(400)).map((entry, n) => ({ ...entry, n })).reverse();
  if (!place.querySelector(".inspector")) place.replaceChildren(frame(place));
  const shown = entries.filter((entry) => filter === "all" || entry.kind === filter || (filter === "trouble" && trouble(entry)));
  redraw(place.querySelector(".rows"), shown.map((entry) => ({ key: `${entry.at}-${entry.n}`, value: entry })), row);
}

function frame(place) {
  const choose = (event) => {
    filter = event.target.value;
    drawInspector(place);
  };
  const names = { all: "Everything", delivery: "Deliveries to the app", call: "Calls by the app", socket: "Connections", trouble: "Trouble only" };
  const choice = h("select", { class: "input", "aria-label": "Show", onchange: choose }, Object.entries(names).map(([value, label]) => h("option", { value }, label)));
  return h("div", { class: "inspector" }, h("div", { class: "channel-head" }, h("h1", {}, "Deliveries and calls"), h("span", { class: "spacer" }), choice), h("div", { class: "rows", "data-testid": "journal" }));
}

const trouble = (entry) => (entry.kind === "call" && !entry.ok) || (entry.kind === "delivery" && !entry.acked);

function row(entry) {
  const key = `${entry.at}-${entry.n}`;
  const body = h("pre", {}, JSON.stringify(entry.kind === "call" ? entry.args : { ack: entry.ack, payload: entry.payload, connected: entry.connected }, null, 2));
  const [sign, title, note] = told(entry);
  const toggled = (event) => (event.target.open ? open.add(key) : open.delete(key));
  return h("details", { class: `entry ${entry.kind} ${trouble(entry) ? "trouble" : ""}`, open: open.has(key), ontoggle: toggled }, h("summary", {}, h("time", {}, new Date(entry.at * 1000).toLocaleTimeString(undefined, { hour12: false })), h("span", { class: "sign" }, sign), h("b", {}, title), h("span", { class: "note" }, note)), body);
}

function told(entry) {
  if (entry.kind === "call") return ["↑", entry.method, entry.ok ? "ok" : `${entry.error} (${entry.status})`];
  if (entry.kind === "socket") return ["⇄", `socket ${entry.event}`, `${entry.connected} open`];
  const again = entry.attempt ? ` · attempt ${entry.attempt + 1} (${entry.retry_reason})` : "";
  return ["↓", `${entry.type} ${entry.what}`, (entry.acked ? `acked in ${entry.seconds} s` : `not acked: ${entry.reason}`) + again];
}
