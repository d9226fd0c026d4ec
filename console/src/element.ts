// Small words for the page's elements. Texts go in as text, never as HTML.

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  class_name = "",
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (class_name !== "") made.className = class_name;
  made.append(...children);
  return made;
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string>,
): SVGElementTagNameMap[K] {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// Writes only what has changed, so that live regions speak once and the selection stays.
export function set_text(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

export function show(target: HTMLElement, shown: boolean): void {
  if (target.hidden === shown) target.hidden = !shown;
}
