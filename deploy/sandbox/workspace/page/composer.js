// Where one writes: Enter sends, Shift+Enter breaks the line, @ and / offer what there is.

import { h, toast } from "./dom.js";
import { here, me, order, world } from "./store.js";

/** A composer for a channel (threadTs "") or a thread. */
export function composer({ label, threadTs }) {
  const menu = h("div", { class: "suggestions", role: "listbox", hidden: true });
  const input = h("textarea", { rows: 1, placeholder: label, "aria-label": label, "data-testid": threadTs ? "thread-composer" : "composer" });
  const form = h("form", { class: "composer", onsubmit: (event) => submit(event) }, menu, input, h("button", { class: "send", type: "submit", "aria-label": "Send" }, "➤"));

  function submit(event) {
    event.preventDefault();
    const words = input.value.trim();
    if (!words) return;
    input.value = "";
    grow();
    send(words, threadTs).catch((error) => {
      toast(error.message);
      input.value ||= words;
    });
  }
  const grow = () => {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, 180)}px`;
  };
  input.addEventListener("input", () => {
    grow();
    suggest(input, menu);
  });
  input.addEventListener("keydown", (event) => {
    const first = menu.hidden ? null : menu.querySelector("button");
    if (first && (event.key === "Tab" || event.key === "Enter")) {
      event.preventDefault();
      first.click();
    } else if (event.key === "Escape") {
      menu.hidden = true;
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  return form;
}

async function send(words, threadTs) {
  const who = { user: me().id, channel: here().id };
  const command = /^(\/[\w-]+)\s*([\s\S]*)$/.exec(words);
  if (command) {
    const ack = await order("slash", { ...who, command: command[1], text: command[2] });
    if (!ack.acked) throw new Error(`${command[1]} failed: the app did not answer (${ack.reason})`);
    return;
  }
  // People cannot type markup: Slack escapes it before it is sent.
  const text = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  await order("message", { ...who, text, thread_ts: threadTs });
}

function suggest(input, menu) {
  const typed = /(?:^|\s)(@[\w-]*|\/[\w-]*)$/.exec(input.value.slice(0, input.selectionStart))?.[1];
  const commands = input.value.startsWith("/") ? ["/sayso help", "/sayso status", "/sayso incidents", "/sayso digest"] : [];
  const people = world.people.filter((person) => !person.deleted).map((person) => `@${person.name}`);
  const offered = typed ? (typed[0] === "@" ? people : commands).filter((name) => name.startsWith(typed)) : [];
  menu.hidden = !offered.length;
  menu.replaceChildren(
    ...offered.map((name) =>
      h("button", { type: "button", role: "option", onclick: () => complete(input, menu, typed, name) }, name),
    ),
  );
}

function complete(input, menu, typed, name) {
  const at = input.selectionStart;
  input.setRangeText(`${name} `, at - typed.length, at, "end");
  menu.hidden = true;
  input.focus();
}
