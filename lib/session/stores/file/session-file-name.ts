const EXTENSION = '.wwrsess';

/** The longest name of a file that common file systems allow, in bytes. */
const MAX_FILE_NAME_LENGTH = 255;

/** Windows opens a device for these names, whatever their extension. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i;

/**
 * The name of a session's file; `undefined` if the key is not safe as a file name. Without dots, slashes and other
 * characters that file systems interpret, a key can only name a session file of the directory.
 */
export function sessionFileName(key: string): string | undefined {
  const name = key + EXTENSION;
  return /^[A-Za-z0-9_=-]+$/.test(key) && name.length <= MAX_FILE_NAME_LENGTH && !DEVICE.test(key) ? name : undefined;
}

/** True if a name is that of a session file. */
export function isSessionFileName(name: string): boolean {
  return name.endsWith(EXTENSION) && sessionFileName(name.slice(0, -EXTENSION.length)) === name;
}
