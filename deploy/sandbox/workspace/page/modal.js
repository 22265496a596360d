// The modal on top of our person's stack: drawn again when the app rewrites it, keeping what was typed.

import { blocks } from "./blocks.js";
import { h } from "./dom.js";
import { readFields, spinner, writeFields } from "./elements.js";
import { text } from "./mrkdwn.js";
import { me, order, world } from "./store.js";

const dialog = document.getElementById("modal");
let shown = { id: "", hash: "", user: "" };

/** Bring the modal up to date with the workspace. */
export function drawModal() {
  const stack = world.stacks[me().id] ?? [];
  const view = stack.at(-1);
  if (!view) {
    shown = { id: "", hash: "", user: "" };
    if (dialog.open) dialog.close();
    return;
  }
  if (shown.hash === view.hash && shown.id === view.id && shown.user === me().id && dialog.open) return;
  const kept = shown.id === view.id ? readFields(dialog) : Object.fromEntries(Object.entries(view.state.values).flatMap(([block, held]) => Object.entries(held).map(([action, value]) => [`${block}/${action}`, chosen(value)])));
  shown = { id: view.id, hash: view.hash, user: me().id };
  dialog.replaceChildren(...drawn(view, stack.length));
  writeFields(dialog, kept);
  if (!dialog.open) dialog.showModal();
}

function chosen(held) {
  const several = held.selected_options?.map((option) => option.value) ?? held.selected_users ?? held.selected_channels;
  return several ?? held.value ?? held.selected_option?.value ?? held.selected_user ?? held.selected_date ?? held.selected_time ?? null;
}

function drawn(view, depth) {
  const surface = { use: (element, value, blockId) => use(view, element, value, blockId) };
  const back = depth > 1 ? h("button", { class: "icon-button", type: "button", "aria-label": "Back", onclick: () => leave(view, false) }, "←") : null;
  const close = h("button", { class: "icon-button", type: "button", "aria-label": "Close", "data-testid": "modal-close", onclick: () => leave(view, depth > 1) }, "✕");
  const submit = view.submit ? h("button", { class: "button primary", type: "submit", "data-testid": "modal-submit" }, text(view.submit)) : null;
  const cancel = h("button", { class: "button", type: "button", "data-testid": "modal-cancel", onclick: () => leave(view, false) }, view.close ? text(view.close) : "Cancel");
  dialog.oncancel = (event) => {
    event.preventDefault();
    leave(view, depth > 1);
  };
  dialog.setAttribute("aria-label", view.title?.text ?? "Dialog");
  dialog.dataset.callbackId = view.callback_id;
  const header = h("header", {}, back, h("img", { class: "app-mark", src: "/page/icon.svg", alt: "" }), h("h2", {}, text(view.title)), close);
  const banner = h("div", { class: "banner", role: "alert", hidden: true });
  return [header, h("form", { novalidate: true, onsubmit: (event) => send(event, view) }, banner, h("div", { class: "dialog-body" }, blocks(view.blocks, surface)), h("footer", {}, cancel, submit))];
}

async function use(view, element, value, blockId) {
  const values = readFields(dialog);
  if (value !== undefined) values[`${blockId}/${element.action_id}`] = value;
  const ack = await order("click_view", { user: me().id, view_id: view.id, action_id: element.action_id, block_id: blockId, value: element.value ?? "", values });
  if (!ack.acked) throw new Error(`The app did not answer (${ack.reason})`);
}

async function send(event, view) {
  event.preventDefault();
  const button = dialog.querySelector("[data-testid=modal-submit]");
  const label = [...button.childNodes];
  button.disabled = true;
  button.replaceChildren(spinner());
  complain({}, "");
  try {
    const answer = await order("submit", { user: me().id, view_id: view.id, values: readFields(dialog) });
    const failed = answer.ack && !answer.ack.acked;
    complain(answer.errors, failed ? `We had some trouble connecting (${answer.ack.reason}). Try again?` : "");
  } catch (error) {
    complain({}, error.message);
  } finally {
    button.disabled = false;
    button.replaceChildren(...label);
  }
}

function complain(errors, said) {
  for (const place of dialog.querySelectorAll("[data-error-for]")) {
    place.textContent = errors[place.dataset.errorFor] ?? "";
    place.parentElement.classList.toggle("wrong", Boolean(place.textContent));
  }
  const banner = dialog.querySelector(".banner");
  if (!banner) return;
  banner.hidden = !said;
  banner.textContent = said;
}

function leave(view, everything) {
  order("close", { user: me().id, view_id: view.id, everything }).catch(() => dialog.close());
}
