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
    element.textContent;
  for (const element of document.querySelectorAll<HTMLElement>('button, a, input, textarea, [role], aside, section')) {
    if (isShown(element) && element.role !== 'status' && element.role !== 'alert' && !nameOf(element)?.trim()) {
      barriers.push(`no name: ${element.outerHTML.slice(0, 80)}`);
    }
  }
  for (const attribute of ['aria-labelledby', 'aria-describedby', 'aria-controls']) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      for (const id of element.getAttribute(attribute)!.split(/\s+/)) {
        if (!document.getElementById(id)) barriers.push(`${attribute} leads nowhere: ${id}`);
      }
    }
  }
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) barriers.push(`id twice: ${id}`);
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
  const over = ([r, g, b, a]: Color, [r2, g2, b2]: Color): Color => [
    r * a + r2 * (1 - a),
    g * a + g2 * (1 - a),
    b * a + b2 * (1 - a),
    1,
  ];
  const luminance = ([red, green, blue]: Color) => {
    const linear = (value: number) => (value <= 10.31475 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  };
  const groundOf = (element: Element | null): Color => {
    if (!element) return [255, 255, 255, 1];
    const color = parse(getComputedStyle(element).backgroundColor);
    return color[3] === 1 ? color : over(color, groundOf(element.parentElement));
  };
  const faint: string[] = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement!;
    const text = node.textContent?.trim();
    if (!text || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest('.visually-hidden, .skip-link, script, style')) continue;
    const ground = groundOf(element);
    const [lighter, darker] = [luminance(over(parse(getComputedStyle(element).color), ground)), luminance(ground)].sort(
      (a, b) => b - a,
    ) as [number, number];
    const contrast = (lighter + 0.05) / (darker + 0.05);
    if (contrast < 4.5) faint.push(`${contrast.toFixed(2)}: ${text.slice(0, 40)}`);
  }
  return faint;
}
