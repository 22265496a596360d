// Standard Markdown, as the `markdown` block and streamed text use it, to nodes. A subset: what models write.

import { h, link } from "./dom.js";
import { emojify } from "./emoji.js";

const INLINE = /`([^`\n]+)`|\[([^\]\n]+)\]\(([^()\s]+)\)|\*\*(?=\S)([^\n]+?)\*\*|__(?=\S)([^\n]+?)__|(?<![\w*])\*(?=\S)([^*\n]+?)\*|(?<!\w)_(?=\S)([^_\n]+?)_(?!\w)|~~([^~\n]+)~~/g;

/** The nodes of a Markdown text. */
export function markdown(source) {
  return String(source ?? "")
    .split(/^```[^\n]*\n([\s\S]*?)^```[ \t]*$/m)
    .map((part, n) => (n % 2 ? h("pre", {}, h("code", {}, part.replace(/\n$/, ""))) : paragraphs(part)));
}

function paragraphs(part) {
  return part.split(/\n\s*\n/).filter((chunk) => chunk.trim()).map(chunkNode);
}

function chunkNode(chunk) {
  const lines = chunk.replace(/^\n+|\n+$/g, "").split("\n");
  const heading = /^(#{1,6})\s+(.*)/.exec(lines[0]);
  if (heading) {
    const rest = lines.slice(1).join("\n");
    return [h(`h${Math.min(heading[1].length + 2, 6)}`, {}, inline(heading[2])), rest.trim() ? chunkNode(rest) : null];
  }
  if (/^(-{3,}|\*{3,})$/.test(lines[0].trim())) return h("hr");
  if (lines.every((line) => line.startsWith(">"))) {
    return h("blockquote", {}, inline(lines.map((line) => line.replace(/^> ?/, "")).join("\n")));
  }
  if (lines.length > 1 && /^\s*\|?[\s:|-]+\|?\s*$/.test(lines[1]) && lines[0].includes("|")) return table(lines);
  return runs(lines);
}

// Lists may follow a sentence without an empty line between.
function runs(lines) {
  const groups = [];
  for (const line of lines) {
    const item = /^\s*(?:([-*+])|\d+[.)])\s+(.*)/.exec(line);
    const kind = item ? (item[1] ? "ul" : "ol") : "p";
    if (groups.at(-1)?.kind === kind) groups.at(-1).lines.push(item ? item[2] : line);
    else groups.push({ kind, lines: [item ? item[2] : line] });
  }
  return groups.map(({ kind, lines: own }) =>
    kind === "p" ? h("p", {}, inline(own.join("\n"))) : h(kind, {}, own.map((words) => h("li", {}, checked(words)))),
  );
}

function checked(words) {
  const box = /^\[([ xX])\]\s+(.*)/.exec(words);
  return box ? [box[1] === " " ? "☐ " : "☑ ", inline(box[2])] : inline(words);
}

function table(lines) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => inline(cell.trim()));
  const [head, , ...rows] = lines;
  const row = (line, tag) => h("tr", {}, cells(line).map((cell) => h(tag, {}, cell)));
  return h("div", { class: "table-scroll" }, h("table", {}, row(head, "th"), rows.map((line) => row(line, "td"))));
}

function inline(words) {
  const found = [];
  let end = 0;
  for (const match of words.matchAll(INLINE)) {
    found.push(lines(words.slice(end, match.index)), styled(match));
    end = match.index + match[0].length;
  }
  return [...found, lines(words.slice(end))];
}

function styled([, code, label, url, bold, bolder, italic, slanted, strike]) {
  if (code !== undefined) return h("code", {}, code);
  if (label !== undefined) return link(url, inline(label));
  if (bold ?? bolder) return h("b", {}, inline(bold ?? bolder));
  if (italic ?? slanted) return h("i", {}, inline(italic ?? slanted));
  return h("s", {}, inline(strike));
}

function lines(words) {
  return emojify(words).split(/(\n)/).map((part) => (part === "\n" ? h("br") : part));
}
