// Interactive elements: buttons, menus and fields. A surface says what using one means (`surface.use`).

import { h, svg } from "./dom.js";
import { text } from "./mrkdwn.js";
import { world } from "./store.js";
import { confirmed } from "./confirm.js";

const CHOICES = {
  users_select: () => world.people.filter((p) => !p.deleted).map((p) => option(p.id, p.real_name)),
  channels_select: () => channels().map((c) => option(c.id, `#${c.name}`)),
  conversations_select: () => channels().map((c) => option(c.id, `#${c.name}`)),
};
const INPUTS = {
  plain_text_input: "text",
  email_text_input: "email",
  url_text_input: "url",
  number_input: "number",
  datepicker: "date",
  timepicker: "time",
  datetimepicker: "datetime-local",
};
const FIRST = { datepicker: "initial_date", timepicker: "initial_time" };

const channels = () => world.channels.filter((channel) => !channel.is_im);
const option = (value, label) => ({ value, text: { type: "plain_text", text: label } });

/** An element of an actions block, an accessory or a card: using it tells the app at once. */
export function action(element, surface) {
  switch (element.type) {
    case "button":
    case "workflow_button":
      return button(element, surface);
    case "overflow":
      return overflow(element, surface);
    case "feedback_buttons":
      return feedback(element, surface);
    case "icon_button":
      return h("button", attributes(element, surface, "icon-button", () => surface.use(element)), "🗑");
    default:
      return field(element, surface, (chosen) => surface.use(element, chosen)) ?? unknown(element);
  }
}

export const unknown = (value) => h("span", { class: "unknown" }, `[${value?.type ?? "unknown"} ${value?.elements || value?.block_id ? "block" : "element"}]`);

function button(element, surface) {
  const style = ["primary", "danger"].includes(element.style) ? element.style : "";
  const press = async () => {
    if (element.confirm && !(await confirmed(element.confirm))) return;
    if (element.url && /^https?:/.test(element.url)) window.open(element.url, "_blank", "noopener,noreferrer");
    await surface.use(element);
  };
  return h("button", attributes(element, surface, `button ${style}`, press), text(element.text), element.url ? h("span", { class: "outward", "aria-hidden": "true" }, "↗") : null);
}

function attributes(element, surface, className, press) {
  return {
    class: className,
    type: "button",
    "data-action-id": element.action_id,
    "data-value": element.value,
    "aria-label": element.accessibility_label ?? element.alt_text,
    onclick: (event) => busy(event.currentTarget, press),
  };
}

/** Show that something is under way, and that nobody answered if nobody did. */
async function busy(control, press) {
  control.classList.remove("unanswered");
  control.classList.add("busy");
  control.setAttribute("aria-busy", "true");
  try {
    await press();
  } catch (error) {
    control.classList.add("unanswered");
    control.title = error.message;
  } finally {
    control.classList.remove("busy");
    control.removeAttribute("aria-busy");
  }
}

function overflow(element, surface) {
  const choose = (event, value) => {
    const menu = event.currentTarget.closest("details");
    menu.open = false;
    return busy(menu.querySelector("summary"), async () => {
      if (!element.confirm || (await confirmed(element.confirm))) await surface.use(element, value);
    });
  };
  const items = (element.options ?? []).map((item) =>
    h("button", { type: "button", role: "menuitem", "data-value": item.value, onclick: (event) => choose(event, item.value) }, text(item.text)),
  );
  return h("details", { class: "overflow", "data-action-id": element.action_id }, h("summary", { class: "button", "aria-label": "More actions" }, "⋯"), h("div", { class: "menu", role: "menu" }, items));
}

function feedback(element, surface) {
  const one = (which, sign) =>
    element[which] &&
    h(
      "button",
      { class: "icon-button", type: "button", "data-action-id": element.action_id, "data-value": element[which].value, title: element[which].text?.text, onclick: (event) => busy(event.currentTarget, () => surface.use(element, element[which].value)) },
      sign,
    );
  return h("span", { class: "feedback" }, one("positive_button", "👍"), one("negative_button", "👎"));
}

/** A field: something that holds a choice. `changed` is told when it should tell the app at once. */
export function field(element, surface, changed = null) {
  const key = `${surface.blockId}/${element.action_id}`;
  const made = INPUTS[element.type] ? written(element) : element.type === "checkboxes" || element.type === "radio_buttons" ? ticked(element, key) : picked(element);
  if (!made) return null;
  const [node, read, write] = made;
  Object.assign(node.dataset, { field: key, actionId: element.action_id });
  node.read = read;
  node.write = write;
  if (changed) node.addEventListener("change", () => busy(node, () => changed(read())));
  return node;
}

function written(element) {
  const props = { class: "input", placeholder: element.placeholder?.text, maxlength: element.max_length, "aria-label": element.placeholder?.text, value: element.initial_value ?? element[FIRST[element.type]] ?? "" };
  const node = element.multiline ? h("textarea", { ...props, rows: 4 }) : h("input", { ...props, type: INPUTS[element.type], step: element.is_decimal_allowed ? "any" : null });
  const whole = element.type === "datetimepicker";
  const read = () => (whole && node.value ? String(Math.floor(new Date(node.value).getTime() / 1000)) : node.value || null);
  return [node, read, (value) => (node.value = whole ? "" : value ?? "")];
}

function picked(element) {
  const kind = element.type.replace("multi_", "");
  const groups = element.option_groups ?? [{ options: element.options ?? CHOICES[kind]?.() }];
  if (!groups[0]?.options && kind !== "external_select") return null;
  const several = element.type.startsWith("multi_");
  const first = [element.initial_option, ...(element.initial_options ?? [])].filter(Boolean).map((item) => item.value).concat(element.initial_user ?? [], element.initial_users ?? [], element.initial_channel ?? [], element.initial_conversation ?? []);
  if (kind === "external_select") return written({ ...element, type: "plain_text_input" });
  const items = groups.map((group) => (group.label ? h("optgroup", { label: group.label.text }, options(group, first)) : options(group, first)));
  const empty = several ? null : h("option", { value: "" }, element.placeholder?.text ?? "Choose…");
  const node = h("select", { class: "input", multiple: several, "aria-label": element.placeholder?.text ?? "Choose" }, empty, items);
  const read = () => (several ? [...node.selectedOptions].map((o) => o.value) : node.value || null);
  const write = (value) => [...node.options].forEach((o) => (o.selected = [value].flat().includes(o.value)));
  return [node, read, write];
}

const options = (group, first) => group.options.map((item) => h("option", { value: item.value, selected: first.includes(item.value) }, item.text.text));

function ticked(element, name) {
  const several = element.type === "checkboxes";
  const first = [element.initial_option, ...(element.initial_options ?? [])].filter(Boolean).map((item) => item.value);
  const boxes = (element.options ?? []).map((item) => h("input", { type: several ? "checkbox" : "radio", name, value: item.value, checked: first.includes(item.value) }));
  const node = h("div", { class: "ticks", role: several ? "group" : "radiogroup" }, boxes.map((box, n) => h("label", {}, box, h("span", {}, text(element.options[n].text), element.options[n].description ? h("small", {}, text(element.options[n].description)) : null))));
  const on = () => boxes.filter((box) => box.checked).map((box) => box.value);
  return [node, () => (several ? on() : on()[0] ?? null), (value) => boxes.forEach((box) => (box.checked = [value].flat().includes(box.value)))];
}

/** What every field below a node holds, by `block_id/action_id`. */
export function readFields(node) {
  return Object.fromEntries([...node.querySelectorAll("[data-field]")].map((found) => [found.dataset.field, found.read()]));
}

/** Put what was held back, after a redraw, into the fields that are still there. */
export function writeFields(node, values) {
  for (const found of node.querySelectorAll("[data-field]")) if (found.dataset.field in values) found.write(values[found.dataset.field]);
}

export const spinner = () => svg("svg", { viewBox: "0 0 16 16", class: "spinner" }, svg("circle", { cx: 8, cy: 8, r: 6 }));
