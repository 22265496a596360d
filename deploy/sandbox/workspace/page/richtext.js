// rich_text blocks: sections, lists, quotes and preformatted text, with their styles.

import { h, link } from "./dom.js";
import { EMOJI } from "./emoji.js";
import { channelById, groupById, personById } from "./store.js";

/** The nodes of a rich_text value. */
export function richText(block) {
  return (block.elements ?? []).map(part);
}

function part(value) {
  const inner = (value.elements ?? []).map((one) => (one.type?.startsWith("rich_text_") ? part(one) : span(one)));
  switch (value.type) {
    case "rich_text_list": {
      const items = (value.elements ?? []).map((one) => h("li", {}, (one.elements ?? []).map(span)));
      return h(value.style === "ordered" ? "ol" : "ul", { class: `indent-${Math.min(value.indent ?? 0, 6)}` }, items);
    }
    case "rich_text_preformatted":
      return h("pre", {}, h("code", {}, inner));
    case "rich_text_quote":
      return h("blockquote", {}, inner);
    default:
      return h("div", {}, inner);
  }
}

function span(one) {
  switch (one.type) {
    case "text":
      return styled(lines(one.text ?? ""), one.style);
    case "link":
      return styled(link(one.url ?? "", one.text || one.url), one.style);
    case "emoji":
      return EMOJI[one.name] ?? `:${one.name}:`;
    case "user":
      return mention(`@${personById(one.user_id)?.name ?? one.user_id}`);
    case "usergroup":
      return mention(`@${groupById(one.usergroup_id)?.handle ?? one.usergroup_id}`);
    case "channel":
      return mention(`#${channelById(one.channel_id)?.name ?? one.channel_id}`);
    case "broadcast":
      return mention(`@${one.range}`);
    case "date":
      return one.fallback ?? new Date((one.timestamp ?? 0) * 1000).toLocaleString();
    default:
      return h("span", { class: "unknown" }, `[${one.type}]`);
  }
}

const mention = (name) => h("span", { class: "mention" }, name);
const lines = (words) => words.split(/(\n)/).map((bit) => (bit === "\n" ? h("br") : bit));

function styled(node, style = {}) {
  const tags = { bold: "b", italic: "i", strike: "s", code: "code", underline: "u" };
  return Object.entries(tags).reduce((inner, [name, tag]) => (style[name] ? h(tag, {}, inner) : inner), node);
}
