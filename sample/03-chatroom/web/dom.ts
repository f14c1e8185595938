/** Returns the element with this id. @throws Error if there is none of this class. */
export function byId(id: string): HTMLElement;
export function byId<E extends HTMLElement>(id: string, Class: abstract new () => E): E;
export function byId(id: string, Class: abstract new () => HTMLElement = HTMLElement): HTMLElement {
  const element = document.getElementById(id);
  if (!(element instanceof Class)) throw new Error(`the page has no ${Class.name} #${id}`);
  return element;
}

/** Options of `make()`. Everything is set as text or attribute, never as HTML. */
interface Parts {
  readonly class?: string;
  readonly text?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly children?: readonly Node[];
}

export function make<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, parts: Parts = {}): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (parts.class) element.className = parts.class;
  if (parts.text !== undefined) element.textContent = parts.text;
  for (const [name, value] of Object.entries(parts.attributes ?? {})) element.setAttribute(name, value);
  element.append(...(parts.children ?? []));
  return element;
}

/** Sets a text if it has changed: screen readers would repeat a text that is set again. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
