// Functions that run in the page, so they cannot use anything else of this file.

/** Lists barriers of the page for people with impaired vision. */
export function findBarriers(): string[] {
  const barriers: string[] = [];
  const isShown = (element: Element) => element.checkVisibility({ visibilityProperty: true });
  const textOf = (ids: string) =>
    ids
      .split(/\s+/)
      .map((id) => document.getElementById(id)?.textContent ?? '')
      .join(' ');
  const nameOf = (element: HTMLElement) =>
    element.ariaLabel ??
    (element.getAttribute('aria-labelledby') ? textOf(element.getAttribute('aria-labelledby')!) : undefined) ??
    (element as HTMLInputElement).labels?.[0]?.textContent ??
    (element.textContent.trim() || element.title);
  for (const element of document.querySelectorAll<HTMLElement>(
    'button, a[href], input, textarea, [role], aside, section',
  )) {
    if (isShown(element) && element.role !== 'status' && element.role !== 'alert' && !nameOf(element)?.trim()) {
      barriers.push(`no name: ${element.outerHTML.slice(0, 80)}`);
    }
  }
  for (const attribute of ['aria-labelledby', 'aria-describedby', 'aria-controls']) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      // What an element opens need not exist while it is closed.
      if (attribute === 'aria-controls' && element.ariaExpanded === 'false') continue;
      for (const id of element.getAttribute(attribute)!.split(/\s+/)) {
        if (!document.getElementById(id)) barriers.push(`${attribute} leads nowhere: ${id}`);
      }
    }
  }
  const ids = new Set<string>();
  for (const { id } of document.querySelectorAll('[id]')) {
    if (ids.has(id)) barriers.push(`id twice: ${id}`);
    ids.add(id);
  }
  if (!document.documentElement.lang) barriers.push('no language');
  if ([...document.querySelectorAll('main')].filter(isShown).length !== 1) barriers.push('not exactly one main');
  if (document.querySelectorAll('h1').length !== 1) barriers.push('not exactly one h1');
  for (const button of document.querySelectorAll('button, input, textarea')) {
    const { width, height } = button.getBoundingClientRect();
    if (isShown(button) && (width < 24 || height < 24)) barriers.push(`too small: ${button.outerHTML.slice(0, 80)}`);
  }
  return barriers;
}

/** Lists texts whose contrast to their background is below 4.5 : 1. */
export function findFaintTexts(): string[] {
  type Color = [red: number, green: number, blue: number, alpha: number];
  const parse = (color: string): Color => {
    const [red = 0, green = 0, blue = 0, alpha = 1] = color.match(/[\d.]+/g)?.map(Number) ?? [];
    return [red, green, blue, alpha];
  };
  const over = (color: Color, below: () => Color): Color => {
    const [r, g, b, a] = color;
    if (a === 1) return color;
    const [r2, g2, b2] = below();
    return [r * a + r2 * (1 - a), g * a + g2 * (1 - a), b * a + b2 * (1 - a), 1];
  };
  const luminance = ([red, green, blue]: Color) => {
    const linear = (value: number) => (value <= 10.31475 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  };
  const grounds = new Map<Element, Color>();
  const groundOf = (element: Element | null): Color => {
    if (!element) return [255, 255, 255, 1];
    const ground = grounds.get(element);
    if (ground) return ground;
    const found = over(parse(getComputedStyle(element).backgroundColor), () => groundOf(element.parentElement));
    grounds.set(element, found);
    return found;
  };
  /** The last shape before a text of a drawing that its middle is on. */
  const shapeBelow = (text: Element, svg: Element): Color => {
    const { left, right, top, bottom } = text.getBoundingClientRect();
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const shape = [...svg.querySelectorAll('rect, polygon, path, circle, ellipse')].findLast((candidate) => {
      if (!(candidate.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)) return false;
      const { fill, fillOpacity } = getComputedStyle(candidate);
      if (fill === 'none' || fillOpacity === '0' || !candidate.checkVisibility()) return false;
      const box = candidate.getBoundingClientRect();
      return box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
    });
    return shape ? parse(getComputedStyle(shape).fill) : [0, 0, 0, 0];
  };
  const faint: string[] = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement!;
    const text = node.textContent?.trim();
    if (!text || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest('.visually-hidden, .skip-link, script, style')) continue;
    const svg = element.closest('svg');
    const ground = svg ? over(shapeBelow(element, svg), () => groundOf(svg)) : groundOf(element);
    const { fill, color } = getComputedStyle(element);
    const ink = over(parse(svg ? fill : color), () => ground);
    const [lighter, darker] = [luminance(ink), luminance(ground)].sort((a, b) => b - a) as [number, number];
    const contrast = (lighter + 0.05) / (darker + 0.05);
    if (contrast < 4.5) faint.push(`${contrast.toFixed(2)}: ${text.slice(0, 40)}`);
  }
  return faint;
}
