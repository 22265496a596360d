// What the page knows: the workspace's last snapshot, who we act as, where we look. And the control API.

const query = new URLSearchParams(location.search);
const controlToken = query.get("token") ?? "";

export const quiet = query.has("nosse");
export const where = { as: query.get("as") ?? "alice", channel: query.get("channel") ?? "alerts", thread: query.get("thread") ?? "", tab: query.get("tab") ?? "messages" };
export let world = null;

const permalink = /^\/archives\/(\w+)(?:\/p(\d+))?/.exec(location.pathname);
if (permalink) {
  where.channel = permalink[1];
  where.linked = permalink[2] ? permalink[2].replace(/(\d{6})$/, ".$1") : "";
  where.thread = query.get("thread_ts") ?? "";
}

const headers = controlToken ? { "x-control-token": controlToken } : {};

/** Look at the workspace as it is now. */
export async function refresh() {
  world = await (await fetch("/_control/state", { headers })).json();
  return world;
}

/** Give an order of the control API; its answer, or an Error saying what a person would be told. */
export async function order(what, body) {
  const request = { method: "POST", headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`/_control/${what}`, request);
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error ?? answer.statusText);
  return value;
}

/** The journal's last entries, oldest first. */
export async function journal(last) {
  const answer = await (await fetch(`/_control/journal?last=${last}`, { headers })).text();
  return answer.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/** Call back after every change; not at all with ?nosse, so that a headless browser can come to rest. */
export function onChange(callback) {
  if (quiet) return;
  const source = new EventSource(`/_events${controlToken ? `?token=${encodeURIComponent(controlToken)}` : ""}`);
  source.onmessage = (event) => callback(JSON.parse(event.data));
  source.onerror = () => document.body.classList.add("offline");
  source.onopen = () => document.body.classList.remove("offline");
}

export const me = () => world.people.find((person) => [person.name, person.id].includes(where.as)) ?? world.people[0];
export const personById = (id) => world.people.find((person) => person.id === id);
export const channelById = (id) => world.channels.find((channel) => channel.id === id);
export const groupById = (id) => world.usergroups.find((group) => group.id === id);
export const here = () =>
  world.channels.find((channel) => [channel.id, channel.name].includes(where.channel)) ?? world.channels[0];
export const ownDirect = () => world.channels.find((channel) => channel.user === me().id);

/** The address bar says where we look, so that a reload or a shared link comes back here. */
export function remember() {
  const next = new URLSearchParams({ as: me().name, channel: here().is_im ? here().id : here().name });
  if (where.thread) next.set("thread", where.thread);
  if (where.tab === "home") next.set("tab", "home");
  if (quiet) next.set("nosse", "");
  if (controlToken) next.set("token", controlToken);
  history.replaceState(null, "", `/?${next}`);
}
