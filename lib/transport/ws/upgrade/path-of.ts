/** Path of a request target in origin form (`/path?query`) or absolute form (`http://host/path`; RFC 9112, section 3.2). */
export function pathOf(url: string): string {
  const [, path = '/'] = /^(?:[a-z][a-z0-9+.-]*:\/\/[^/?#]*)?([^?#]*)/i.exec(url) ?? [];
  return path === '' ? '/' : path;
}
