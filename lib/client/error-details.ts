/**
 * Returns name, code and message of anything that was thrown, as text. Node.js tries each address of a host; if all fail, its error
 * contains one error for each of them.
 */
export function detailsOf(cause: unknown): { name: string; code: string; message: string } {
  try {
    const { name, code, message, errors } = Object(cause) as Record<string, unknown>;
    if (!message && Array.isArray(errors) && errors.length > 0) return detailsOf(errors[0]);
    return {
      name: typeof name === 'string' ? name : 'Error',
      code: typeof code === 'string' ? code : '',
      message: String(message ?? cause),
    };
  } catch {
    return { name: 'Error', code: '', message: 'an error that cannot be read' };
  }
}
