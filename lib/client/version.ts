/** The version of this package without its patch number, for servers. `npm version` writes it. */
export const VERSION = '0.2';
