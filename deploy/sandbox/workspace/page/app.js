// The page: top bar, sidebar, channel or Home, thread. Everything is drawn from one snapshot, again after each change.

import { blocks } from "./blocks.js";
import { composer } from "./composer.js";
import { h, redraw, toast } from "./dom.js";
import { readFields } from "./elements.js";
import { drawInspector } from "./inspector.js";
import { avatar, message } from "./message.js";
import { drawModal } from "./modal.js";
import { here, me, onChange, order, ownDirect, refresh, remember, where, world } from "./store.js";

const at = (id) => document.getElementById(id);
const inspecting = location.pathname === "/inspector";
let drawnFor = "";

function draw() {
  drawTopbar();
  if (inspecting) {
    document.body.classList.add("inspecting");
    drawInspector(at("main"));
    return;
  }
  drawSidebar();
  const place = [me().id, here().id, where.tab].join();
  if (place !== drawnFor) furnish();
  drawnFor = place;
  if (where.tab === "home" && here().is_im) drawHome();
  else drawMessages();
  drawThread();
  drawModal();
}

function drawTopbar() {
  const lamp = world.request_url ? "http" : world.connected ? "on" : "off";
  const said = { http: "HTTP delivery", on: `Connected · ${world.connected}`, off: "App not connected" }[lamp];
  const people = world.people.filter((person) => !person.is_bot);
  const standing = (person) => (person.deleted ? " (deactivated)" : person.is_stranger ? " (external)" : person.is_restricted ? " (guest)" : "");
  const choose = (event) => go({ as: event.target.value, thread: "" });
  const persona = h("select", { "aria-label": "Acting as", "data-testid": "persona", onchange: choose }, people.map((person) => h("option", { value: person.name, selected: person.id === me().id }, person.real_name + standing(person))));
  redraw(at("topbar"), [{ key: "bar", value: [lamp, said, people, me().id] }], () =>
    h(
      "div",
      { class: "bar-row" },
      h("button", { class: "burger", type: "button", "aria-label": "Show channels", onclick: () => document.body.classList.toggle("nav-open") }, "☰"),
      h("a", { class: "brand", href: "/" }, world.team, h("small", {}, "sandbox workspace")),
      h("span", { class: "spacer" }),
      h("span", { class: `lamp ${lamp}`, "data-testid": "connection" }, said),
      h("a", { class: "inspector-link", href: inspecting ? "/" : "/inspector" }, inspecting ? "← Workspace" : "Deliveries"),
      h("label", { class: "persona" }, avatar(me()), h("span", {}, "Acting as"), persona),
    ),
  );
}

function drawSidebar() {
  const mine = world.channels.filter((channel) => channel.members.includes(me().id));
  const entry = (key, label, chosen, target, extra) => ({ key, value: { label, chosen, target, extra } });
  const rooms = mine.filter((channel) => !channel.is_im).map((channel) => entry(channel.id, `# ${channel.name}`, channel.id === here().id, { channel: channel.id, tab: "messages" }, channel.is_ext_shared ? "shared" : ""));
  const direct = ownDirect();
  const apps = direct && mine.includes(direct) ? [entry("app", "sayso", direct.id === here().id, { channel: direct.id }, "app")] : [];
  const heading = (label) => ({ key: label, value: { heading: label } });
  redraw(at("sidebar"), [heading("Channels"), ...rooms, heading("Apps"), ...apps], (value) =>
    value.heading
      ? h("h2", {}, value.heading)
      : h("button", { type: "button", class: value.chosen ? "chosen" : "", "aria-current": value.chosen ? "page" : null, onclick: () => go({ thread: "", ...value.target }) }, h("span", {}, value.extra === "app" ? h("img", { class: "glyph", src: "/page/icon.svg", alt: "" }) : null, value.label), value.extra ? h("small", {}, value.extra) : null),
  );
}

// The frame of the middle column; what is in it is kept up to date without touching the composer.
function furnish() {
  const channel = here();
  const tab = (name, label) => h("button", { type: "button", role: "tab", "aria-selected": String(where.tab === name), onclick: () => openTab(name) }, label);
  const tabs = channel.is_im ? h("div", { class: "tabs", role: "tablist" }, tab("home", "Home"), tab("messages", "Messages")) : null;
  const title = channel.is_im ? "sayso" : `# ${channel.name}`;
  const people = channel.is_im ? "" : `${channel.members.length} members`;
  const head = h("div", { class: "channel-head" }, h("h1", {}, title), channel.is_ext_shared ? h("span", { class: "badge outside" }, "SHARED") : null, h("span", { class: "topic" }, channel.topic?.value), h("span", { class: "spacer" }), h("small", {}, people), tabs);
  const absent = channel.members.includes(me().id) && !me().deleted ? "" : `${me().real_name} cannot write here`;
  const below = where.tab === "home" && channel.is_im ? null : absent ? h("p", { class: "absent" }, absent) : composer({ label: `Message ${channel.is_im ? "sayso" : `#${channel.name}`}`, threadTs: "" });
  at("main").replaceChildren(head, h("div", { id: "list", class: "list", "data-testid": "messages" }), h("div", { id: "status" }), ...(below ? [below] : []));
  document.title = `${title} · ${world.team}`;
  if (where.tab === "home" && channel.is_im) openTab("home");
}

function drawMessages() {
  const list = at("list");
  if (!here().members.includes(me().id)) {
    redraw(list, [{ key: "absent", value: me().id }], () => h("p", { class: "empty" }, `${me().real_name} is not in this channel.`));
    return;
  }
  const said = (world.messages[here().id] ?? []).filter((one) => !one.thread_ts || one.thread_ts === one.ts || one.broadcast);
  const whispered = world.ephemerals.filter((one) => one.only_for === me().id && one.channel === here().id && !one.thread_ts);
  fill(list, [...said, ...whispered], { openThread, inThread: false });
  if (!list.children.length) list.append(h("p", { class: "empty" }, "Nothing here yet. Say something, or fire an alert."));
  drawSession(at("status"), "");
}

function fill(list, messages, how) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  const items = messages.toSorted((a, b) => (a.ts < b.ts ? -1 : 1)).map((value) => ({ key: value.ts, value: [value, me().id] }));
  redraw(list, items, ([value]) => message(value, how));
  const linked = where.linked && list.querySelector(`[data-ts="${CSS.escape(where.linked)}"]`);
  if (linked) {
    linked.classList.add("linked");
    linked.scrollIntoView({ block: "center" });
    where.linked = "";
  } else if (atEnd) {
    list.scrollTop = list.scrollHeight;
  }
}

function drawThread() {
  const pane = at("thread");
  const root = where.thread;
  const messages = (world.messages[here().id] ?? []).filter((one) => root && (one.ts === root || one.thread_ts === root));
  pane.hidden = !messages.length;
  document.body.classList.toggle("thread-open", !pane.hidden);
  if (pane.hidden) return;
  if (pane.dataset.of !== [me().id, root].join()) {
    const close = h("button", { class: "icon-button", type: "button", "aria-label": "Close thread", onclick: () => go({ thread: "" }) }, "✕");
    const head = h("div", { class: "channel-head" }, h("h1", {}, "Thread"), h("span", { class: "topic" }, here().is_im ? "sayso" : `#${here().name}`), h("span", { class: "spacer" }), close);
    pane.replaceChildren(head, h("div", { class: "list", id: "thread-list", "data-testid": "thread-messages" }), h("div", { id: "thread-status" }), composer({ label: "Reply…", threadTs: root }));
    pane.dataset.of = [me().id, root].join();
    at("thread-list").scrollTop = 0;
  }
  const whispered = world.ephemerals.filter((one) => one.only_for === me().id && one.thread_ts === root);
  fill(at("thread-list"), [...messages, ...whispered], { openThread, inThread: true });
  drawSession(at("thread-status"), root);
}

// What the app says it is doing, with Stop while it works, and the prompts it offers.
function drawSession(place, threadTs) {
  const session = world.sessions.find((one) => one.channel === here().id && one.thread_ts === threadTs);
  const running = session?.status === "processing";
  const note = session?.note || (running ? "is working…" : session?.status === "suspended" ? "is waiting for approval" : "");
  const stop = () => order("stop", { user: me().id, channel: here().id, thread_ts: threadTs }).catch((error) => toast(error.message));
  const prompts = threadTs ? [] : session?.prompts ?? [];
  const ask = (prompt) => order("message", { user: me().id, channel: here().id, text: prompt.message }).catch((error) => toast(error.message));
  redraw(place, note || prompts.length ? [{ key: "s", value: [note, running, session.title, prompts] }] : [], () =>
    h("div", { class: "session" }, note ? h("span", {}, h("b", {}, session.title || "sayso"), ` ${note}`) : null, running && threadTs ? h("button", { class: "button", type: "button", "data-testid": "stop", onclick: stop }, "■ Stop") : null, prompts.map((prompt) => h("button", { class: "prompt", type: "button", onclick: () => ask(prompt) }, prompt.title))),
  );
}

function drawHome() {
  const view = world.homes[me().id];
  const list = at("list");
  const use = async (element, value, blockId) => {
    const values = readFields(list);
    if (value !== undefined) values[`${blockId}/${element.action_id}`] = value;
    const ack = await order("click_view", { user: me().id, view_id: view.id, action_id: element.action_id, block_id: blockId, value: element.value ?? "", values });
    if (!ack.acked) throw new Error(`The app did not answer (${ack.reason})`);
  };
  redraw(list, [{ key: "home", value: [view?.hash ?? "", me().id] }], () => (view ? h("div", { class: "home", "data-testid": "home" }, blocks(view.blocks, { use })) : h("p", { class: "empty" }, "The app has not published a Home tab for this person yet.")));
  drawSession(at("status"), "-");
}

function openTab(name) {
  if (where.tab !== name) go({ tab: name });
  order("home", { user: me().id, tab: name }).catch((error) => toast(error.message));
}

function openThread(ts) {
  go({ thread: ts });
}

function go(change) {
  Object.assign(where, change);
  if (change.channel && !("tab" in change)) where.tab = "home";
  const direct = ownDirect();
  if (here().is_im && direct && here().id !== direct.id) where.channel = direct.id;
  document.body.classList.remove("nav-open");
  remember();
  draw();
}

let waiting = false;
onChange(() => {
  if (waiting) return;
  waiting = true;
  setTimeout(async () => {
    waiting = false;
    await refresh();
    draw();
  }, 60);
});

await refresh();
draw();
document.body.dataset.ready = "true";
