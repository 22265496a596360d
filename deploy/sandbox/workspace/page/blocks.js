// Block Kit, block by block. A type this page does not know is shown as a chip, never left out.

import { chart } from "./charts.js";
import { h, link } from "./dom.js";
import { action, field, unknown } from "./elements.js";
import { emojify } from "./emoji.js";
import { markdown } from "./markdown.js";
import { text } from "./mrkdwn.js";
import { richText } from "./richtext.js";

const DRAW = {
  header: (block) => h("h3", { class: "b-header" }, text(block.text)),
  section,
  context: (block) => h("div", { class: "b-context" }, (block.elements ?? []).map(caption)),
  actions: (block, surface) => h("div", { class: "b-actions" }, (block.elements ?? []).map((one) => action(one, surface))),
  context_actions: (block, surface) => h("div", { class: "b-actions small" }, (block.elements ?? []).map((one) => action(one, surface))),
  divider: () => h("hr", { class: "b-divider" }),
  image: (block) => h("figure", { class: "b-image" }, block.title ? h("figcaption", {}, text(block.title)) : null, picture(block)),
  input,
  rich_text: (block) => h("div", { class: "b-rich" }, richText(block)),
  markdown: (block) => h("div", { class: "b-markdown" }, markdown(block.text)),
  table: (block) => table(block, block.rows ?? [], block.column_settings ?? []),
  data_table: (block) => h("figure", { class: "b-data" }, h("figcaption", {}, block.caption), table(block, block.rows ?? [], block.column_settings ?? [])),
  data_visualization: (block) => chart(block),
  task_card: task,
  plan: (block) => h("div", { class: "b-plan" }, h("b", {}, emojify(words(block.title))), (block.tasks ?? []).map(task)),
  card,
  carousel: (block, surface) => h("div", { class: "b-carousel" }, (block.elements ?? []).map((one) => card(one, surface))),
  container,
  alert: (block) => h("div", { class: `b-alert ${block.level ?? "default"}`, role: "note" }, text(block.text)),
  video: (block) => h("figure", { class: "b-image" }, h("figcaption", {}, link(block.title_url ?? block.video_url ?? "", text(block.title)))),
  file: (block) => h("div", { class: "b-context" }, `📎 ${block.external_id ?? "file"}`),
};

/** The nodes of some blocks on a surface: `{use(element, chosen, blockId), inView}`. */
export function blocks(list, surface) {
  return (list ?? []).map((block) => {
    const placed = { ...surface, blockId: block.block_id, use: (element, chosen) => surface.use(element, chosen, block.block_id) };
    const node = (DRAW[block.type] ?? unknown)(block, placed);
    node.classList.add("block");
    if (block.block_id) node.dataset.blockId = block.block_id;
    return node;
  });
}

const words = (value) => (typeof value === "string" ? value : value?.text ?? "");

function section(block, surface) {
  const accessory = block.accessory && (block.accessory.type === "image" ? picture(block.accessory, "thumb") : action(block.accessory, surface));
  const fields = block.fields && h("div", { class: "fields" }, block.fields.map((one) => h("div", {}, text(one))));
  const body = h("div", { class: "section-text" }, block.text ? h("div", {}, text(block.text)) : null, fields);
  return h("div", { class: "b-section" }, body, accessory ? h("div", { class: "accessory" }, accessory) : null);
}

function caption(element) {
  return element.type === "image" ? picture(element, "tiny") : h("span", {}, text(element));
}

function picture(image, size = "") {
  const own = image.slack_file?.id ? `/files/${image.slack_file.id}` : image.slack_file?.url ?? image.image_url ?? "";
  const local = own.startsWith("data:image/") || new URL(own || "/", location.href).origin === location.origin;
  // Pictures of other sites are not fetched: who reads a message must not be told on.
  if (!local) return h("span", { class: "elsewhere" }, "🖼 ", link(own, image.alt_text || own));
  return h("img", { class: `picture ${size}`, src: own, alt: image.alt_text ?? "", loading: "lazy" });
}

function input(block, surface) {
  const drawn = field(block.element ?? {}, surface, block.dispatch_action ? (chosen) => surface.use(block.element, chosen) : null);
  const optional = block.optional ? h("span", { class: "optional" }, " (optional)") : null;
  const hint = block.hint ? h("small", { class: "hint" }, text(block.hint)) : null;
  const error = h("small", { class: "field-error", role: "alert", "data-error-for": block.block_id });
  return h("label", { class: "b-input" }, h("span", { class: "label" }, text(block.label), optional), drawn ?? unknown(block.element), hint, error);
}

function table(block, rows, columns) {
  const cell = (value, n, tag) => {
    const align = columns[n]?.align ?? (value.type === "raw_number" ? "right" : "left");
    return h(tag, { class: `align-${align}` }, value.type === "rich_text" ? richText(value) : words(value.text) || String(value.value ?? ""));
  };
  const [head, ...body] = rows;
  const row = (cells, tag) => h("tr", {}, (cells ?? []).map((value, n) => cell(value, n, tag)));
  return h("div", { class: "b-table table-scroll" }, h("table", {}, h("thead", {}, row(head, "th")), h("tbody", {}, body.map((cells) => row(cells, "td")))));
}

const SIGNS = { pending: "○", in_progress: "◐", complete: "✓", error: "✕" };

function task(value) {
  const sources = (value.sources ?? []).map((source) => link(source.url ?? "", source.text ?? source.url));
  const more = [value.details, value.output].filter(Boolean).map((part) => h("div", { class: "task-more" }, typeof part === "string" ? text({ type: "mrkdwn", text: part }) : richText(part)));
  return h("div", { class: `b-task ${value.status ?? "pending"}` }, h("span", { class: "sign", "aria-label": value.status }, SIGNS[value.status] ?? "○"), h("div", {}, emojify(words(value.title)), more, sources.length ? h("div", { class: "sources" }, sources) : null));
}

function card(block, surface) {
  const actions = (block.actions ?? []).map((one) => action(one, surface));
  return h("div", { class: "b-card" }, block.hero_image ? picture(block.hero_image) : null, h("b", {}, text(block.title)), h("small", {}, text(block.subtitle)), h("div", {}, text(block.body)), actions.length ? h("div", { class: "b-actions" }, actions) : null);
}

function container(block, surface) {
  const inner = blocks(block.child_blocks, surface);
  const title = [h("b", {}, text(block.title)), block.subtitle ? h("small", {}, text(block.subtitle)) : null];
  if (!block.is_collapsible) return h("div", { class: "b-container" }, h("div", { class: "container-title" }, title), inner);
  return h("details", { class: "b-container", open: !block.default_collapsed }, h("summary", { class: "container-title" }, title), inner);
}
