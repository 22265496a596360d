// One message, as the person we act as sees it.

import { blocks } from "./blocks.js";
import { h, link, toast } from "./dom.js";
import { EMOJI } from "./emoji.js";
import { clock, mrkdwn } from "./mrkdwn.js";
import { me, order, personById, world } from "./store.js";

const COLOURS = { danger: "#a30200", good: "#2eb67d", warning: "#daa038" };
const AVATARS = ["#1264a3", "#2b7a5f", "#b5612a", "#7c4dab", "#b3274f", "#43698c"];
const QUICK = ["white_check_mark", "eyes", "+1", "tada"];

/** A message; `openThread` is called with its root when somebody wants to reply. */
export function message(value, { openThread, inThread }) {
  const author = personById(value.user);
  const body = h("div", { class: "body" }, head(value, author), content(value), files(value), reactions(value), inThread ? null : replies(value, openThread));
  const tools = value.only_for ? null : toolbar(value, openThread, inThread);
  return h(
    "article",
    { class: `message ${value.only_for ? "ephemeral" : ""}`, "data-testid": "message", "data-ts": value.ts, "aria-label": `Message from ${author?.real_name ?? value.user}` },
    avatar(author, value.user),
    body,
    tools,
  );
}

export function avatar(person, id = "") {
  const seed = person?.id ?? id;
  const node = h("div", { class: `avatar ${person?.is_bot ? "bot" : ""}`, "aria-hidden": "true" });
  node.style.background = AVATARS[[...seed].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % AVATARS.length];
  const initials = (person?.real_name ?? "?").split(" ").map((part) => part[0]).slice(0, 2).join("");
  const own = person?.id === world.bot_user;
  node.append(own ? h("img", { src: "/page/icon.svg", alt: "" }) : person?.is_bot ? "🔔" : initials);
  return node;
}

function head(value, author) {
  const at = new Date(Number(value.ts) * 1000);
  const marks = [
    author?.is_bot ? h("span", { class: "badge" }, "APP") : null,
    author?.is_stranger ? h("span", { class: "badge outside" }, "EXTERNAL") : null,
    author?.is_restricted ? h("span", { class: "badge" }, "GUEST") : null,
  ];
  const private_ = value.only_for ? h("div", { class: "only-you" }, "👁 Only visible to you") : null;
  const broadcast = value.broadcast ? h("div", { class: "only-you" }, "↩ replied to a thread") : null;
  return [private_, broadcast, h("div", { class: "head" }, h("b", {}, author?.real_name ?? value.username ?? value.user), marks, h("time", { datetime: at.toISOString(), title: at.toLocaleString() }, clock(at)), value.edited ? h("span", { class: "edited" }, "(edited)") : null)];
}

function content(value) {
  const surface = { use: (element, chosen, blockId) => use(value, element, chosen, blockId) };
  const shown = value.blocks?.length ? blocks(value.blocks, surface) : value.text ? [h("div", { class: "text" }, mrkdwn(value.text))] : [];
  const streaming = value.streaming_state ? h("span", { class: "streaming" }, "writing") : null;
  return [h("div", { class: "content" }, shown, streaming), (value.attachments ?? []).map((one) => attachment(one, surface))];
}

async function use(value, element, chosen, blockId) {
  const which = { user: me().id, channel: value.channel, ts: value.ts, action_id: element.action_id, block_id: blockId, value: element.value ?? "" };
  const ack = await order("click", { ...which, chosen: chosen ?? null });
  if (!ack.acked) throw new Error(`The app did not answer (${ack.reason})`);
}

function attachment(value, surface) {
  const colour = COLOURS[value.color] ?? (/^#?[0-9a-f]{6}$/i.test(value.color ?? "") ? `#${value.color.replace("#", "")}` : "var(--line)");
  const fields = (value.fields ?? []).map((one) => h("div", { class: one.short ? "" : "wide" }, h("b", {}, mrkdwn(one.title)), h("br"), mrkdwn(one.value)));
  const node = h(
    "div",
    { class: "attachment" },
    value.pretext ? h("div", { class: "pretext" }, mrkdwn(value.pretext)) : null,
    h(
      "div",
      { class: "bar" },
      value.author_name ? h("small", {}, value.author_name) : null,
      value.title ? h("div", { class: "attachment-title" }, value.title_link ? link(value.title_link, mrkdwn(value.title)) : h("b", {}, mrkdwn(value.title))) : null,
      value.text ? h("div", { class: "text" }, mrkdwn(value.text)) : null,
      fields.length ? h("div", { class: "fields" }, fields) : null,
      blocks(value.blocks, surface),
      value.footer ? h("small", { class: "footer" }, value.footer) : null,
    ),
  );
  node.style.setProperty("--bar", colour);
  return node;
}

function files(value) {
  return (value.files ?? []).map((file) =>
    h("figure", { class: "file" }, h("figcaption", {}, file.title), file.mimetype.startsWith("image/") ? h("img", { class: "picture", src: `/files/${file.id}`, alt: file.alt_txt || file.title }) : link(`/files/${file.id}`, `📄 ${file.name} · ${file.size} bytes`)),
  );
}

function reactions(value) {
  const shown = (value.reactions ?? []).map((one) => {
    const mine = one.users.includes(me().id);
    const names = one.users.map((id) => personById(id)?.real_name ?? id).join(", ");
    return h("button", { class: `reaction ${mine ? "mine" : ""}`, type: "button", title: `${names} reacted with :${one.name}:`, onclick: () => react(value, one.name, mine) }, EMOJI[one.name] ?? `:${one.name}:`, h("span", {}, one.count));
  });
  return shown.length ? h("div", { class: "reactions" }, shown) : null;
}

function react(value, name, remove) {
  order("reaction", { user: me().id, channel: value.channel, ts: value.ts, name, remove }).catch((error) => toast(error.message));
}

function replies(value, openThread) {
  if (!value.reply_count) return null;
  const faces = value.reply_users.slice(0, 4).map((id) => avatar(personById(id), id));
  const latest = clock(new Date(Number(value.latest_reply) * 1000));
  return h("button", { class: "replies", type: "button", "data-testid": "open-thread", onclick: () => openThread(value.ts) }, faces, h("b", {}, value.reply_count === 1 ? "1 reply" : `${value.reply_count} replies`), h("span", {}, `Last reply ${latest}`));
}

function toolbar(value, openThread, inThread) {
  const quick = QUICK.map((name) => h("button", { type: "button", title: `React with :${name}:`, onclick: () => react(value, name, false) }, EMOJI[name]));
  const reply = inThread ? null : h("button", { type: "button", "aria-label": "Reply in thread", title: "Reply in thread", onclick: () => openThread(value.thread_ts ?? value.ts) }, "💬");
  return h("div", { class: "toolbar" }, quick, reply);
}

