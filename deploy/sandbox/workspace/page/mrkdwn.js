// Slack's mrkdwn to nodes. Its text arrives with &amp; &lt; &gt; escaped; <...> are mentions, links and dates.

import { h, link } from "./dom.js";
import { EMOJI } from "./emoji.js";
import { channelById, groupById, personById } from "./store.js";

const INLINE =
  /`([^`\n]+)`|<([^<>\n]+)>|(?<![\w*])\*(?=\S)([^*\n]*?\S)\*(?![\w*])|(?<![\w_])_(?=\S)([^_\n]*?\S)_(?![\w_])|(?<![\w~])~(?=\S)([^~\n]*?\S)~(?![\w~])|:([a-z0-9_+-]+):|(\n)/g;

/** The nodes of a mrkdwn text. */
export function mrkdwn(text) {
  return String(text ?? "")
    .split(/```\n?([\s\S]*?)```/)
    .map((part, n) => (n % 2 ? h("pre", {}, h("code", {}, unescape(part.replace(/\n$/, "")))) : quoted(n ? part.replace(/^\n/, "") : part)));
}

/** A text object: mrkdwn, or plain text in which only emoji mean anything. */
export function text(object) {
  if (!object) return [];
  if (typeof object === "string") return [object];
  return object.type === "mrkdwn" ? mrkdwn(object.text) : plain(object.text, object.emoji !== false);
}

function plain(words, emoji) {
  const parts = String(words ?? "").split(/(:[a-z0-9_+-]+:|\n)/);
  return parts.map((part) => (part === "\n" ? h("br") : (emoji && EMOJI[part.slice(1, -1)]) || part));
}

export function unescape(words) {
  return words.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

function quoted(part) {
  const groups = [];
  for (const line of part.split("\n")) {
    const quote = /^(?:&gt;|>) ?/.exec(line);
    const last = groups.at(-1);
    const words = quote ? line.slice(quote[0].length) : line;
    if (last && last.quote === Boolean(quote)) last.lines.push(words);
    else groups.push({ quote: Boolean(quote), lines: [words] });
  }
  return groups.map(({ quote, lines }) => (quote ? h("blockquote", {}, inline(lines.join("\n"))) : inline(lines.join("\n"))));
}

function inline(words) {
  const found = [];
  let end = 0;
  for (const match of words.matchAll(INLINE)) {
    found.push(unescape(words.slice(end, match.index)), styled(match));
    end = match.index + match[0].length;
  }
  return [...found, unescape(words.slice(end))];
}

function styled([whole, code, token, bold, italic, strike, emoji]) {
  if (code !== undefined) return h("code", {}, unescape(code));
  if (token !== undefined) return tokenNode(token);
  if (bold !== undefined) return h("b", {}, inline(bold));
  if (italic !== undefined) return h("i", {}, inline(italic));
  if (strike !== undefined) return h("s", {}, inline(strike));
  if (emoji !== undefined) return EMOJI[emoji] ?? whole;
  return h("br");
}

function tokenNode(token) {
  const [target, label] = token.split(/\|(.*)/s);
  if (target.startsWith("@")) return mention(`@${personById(target.slice(1))?.name ?? label ?? target.slice(1)}`);
  if (target.startsWith("#")) return mention(`#${channelById(target.slice(1))?.name ?? label ?? target.slice(1)}`);
  if (target.startsWith("!date^")) return dateNode(target, label);
  if (target.startsWith("!subteam^")) return mention(`@${groupById(target.split("^")[1])?.handle ?? label ?? "group"}`);
  if (target.startsWith("!")) return mention(`@${label ?? target.slice(1)}`);
  return /^(https?:|mailto:)/i.test(target) ? link(unescape(target), unescape(label ?? target)) : `<${unescape(token)}>`;
}

const mention = (name) => h("span", { class: "mention" }, name);

function dateNode(target, fallback) {
  const [, unix, format] = target.split("^");
  const at = new Date(Number(unix) * 1000);
  if (Number.isNaN(at.getTime())) return fallback ?? "";
  return h("time", { datetime: at.toISOString(), title: at.toLocaleString() }, formatDate(at, format ?? "{date} {time}"));
}

function formatDate(at, format) {
  const day = (options) => at.toLocaleDateString(undefined, options);
  const short = day({ month: "short", day: "numeric", year: "numeric" });
  const known = {
    time: clock(at),
    time_secs: at.toLocaleTimeString(),
    date: day({ month: "long", day: "numeric", year: "numeric" }),
    date_num: at.toISOString().slice(0, 10),
    date_short: short,
    date_long: day({ weekday: "long", month: "long", day: "numeric", year: "numeric" }),
    ago: ago(at),
  };
  const today = at.toDateString() === new Date().toDateString();
  known.date_pretty = today ? "today" : known.date;
  known.date_short_pretty = today ? "today" : short;
  known.date_long_pretty = today ? "today" : known.date_long;
  return format.replace(/\{(\w+)\}/g, (whole, name) => known[name] ?? whole);
}

export function clock(at) {
  return at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
}

function ago(at) {
  const minutes = Math.round((Date.now() - at.getTime()) / 60000);
  const far = Math.abs(minutes) < 60 ? `${Math.abs(minutes)} min` : `${Math.round(Math.abs(minutes) / 60)} h`;
  return minutes >= 0 ? `${far} ago` : `in ${far}`;
}
