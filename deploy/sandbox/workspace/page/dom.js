// Building the page: elements from values, text always as text nodes. Nothing in this page parses HTML.

/** An element: h("p", {class: "x", onclick: f, "data-a": 1}, "text", node, [nodes]). Null and false children vanish. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/** An SVG element; same shape as h. */
export function svg(tag, props = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) element.setAttribute(name, String(value));
  element.append(...nodes(children));
  return element;
}

export function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== "");
}

/** Bring a list of elements up to date: keep those whose signature did not change, so focus and open menus survive. */
export function redraw(container, items, draw) {
  const kept = new Map([...container.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map(({ key, value }) => {
    const signature = JSON.stringify(value);
    const old = kept.get(key);
    if (old && old.signature === signature) return old;
    const fresh = draw(value);
    fresh.dataset.key = key;
    fresh.signature = signature;
    return fresh;
  });
  wanted.forEach((child, n) => {
    if (container.children[n] !== child) container.insertBefore(child, container.children[n] ?? null);
  });
  while (container.children.length > wanted.length) container.lastChild.remove();
}

/** A link only where it is safe to follow one; otherwise just its label. */
export function link(url, ...label) {
  const safe = /^(https?:|mailto:|\/(?!\/))/i.test(url);
  return safe
    ? h("a", { href: url, target: url.startsWith("/") ? null : "_blank", rel: "noreferrer noopener" }, ...label)
    : h("span", {}, ...label);
}

export function toast(text, kind = "error") {
  const shown = h("div", { class: `toast ${kind}` }, text);
  document.getElementById("toasts").append(shown);
  setTimeout(() => shown.remove(), 6000);
}
