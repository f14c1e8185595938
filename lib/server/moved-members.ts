/** Members that gateways for ws or socket.io use, and what replaces each, to complete "use …". */
export interface MovedMembers {
  /** Methods, which throw. */
  readonly methods: Readonly<Record<string, string>>;
  /** Properties that are objects there. They can be read and replaced here; using the object throws. */
  readonly objects: Readonly<Record<string, string>>;
  /** Properties that are set to functions there. They read as `undefined`; setting them throws. */
  readonly callbacks: Readonly<Record<string, string>>;
  /** Properties that say there whether something can be sent: without them nothing ever would be. Reading them throws. */
  readonly states: Readonly<Record<string, string>>;
}

/**
 * Adds members of other WebSocket libraries to a class, so that a gateway that was written for one of them gets an error
 * that says what to use instead. None of them can be enumerated, and only the states throw when they are read: inspection, JSON and
 * code that looks for the members of other libraries work as without them.
 *
 * @param owner What instances are called in errors, such as `connection`.
 */
export function addMovedMembers(prototype: object, owner: string, members: MovedMembers): void {
  const { methods, objects, callbacks, states } = members;
  for (const [name, instead] of Object.entries(methods)) {
    const refuse = (): never => fail(`${owner}.${name}()`, instead);
    Object.defineProperty(prototype, name, { value: refuse, writable: true, configurable: true });
  }
  for (const [name, instead] of Object.entries(objects)) {
    const standIn = standInFor(`${owner}.${name}`, instead);
    define(prototype, name, () => standIn, replaceProperty(name));
  }
  for (const [name, instead] of Object.entries(callbacks)) {
    define(
      prototype,
      name,
      () => undefined,
      () => fail(`${owner}.${name}`, instead),
    );
  }
  for (const [name, instead] of Object.entries(states)) {
    define(prototype, name, () => fail(`${owner}.${name}`, instead), replaceProperty(name));
  }
}

/** @throws TypeError */
export function fail(member: string, instead: string): never {
  throw new TypeError(`WebWire has no ${member}: use ${instead}`);
}

function define(prototype: object, name: string, get: () => unknown, set: (value: unknown) => void): void {
  Object.defineProperty(prototype, name, { get, set, configurable: true });
}

/** An application may set a property of that name: it is then the instance's own. */
function replaceProperty(name: string): (this: object, value: unknown) => void {
  return function (this: object, value: unknown) {
    Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
  };
}

/** Promises, JSON and assertions look for these on any object. */
const HARMLESS = new Set<string | symbol>(['then', 'toJSON', 'constructor', 'asymmetricMatch', 'nodeType', 'tagName']);

function standInFor(member: string, instead: string): object {
  const isHarmless = (name: string | symbol) =>
    HARMLESS.has(name) || (typeof name === 'symbol' && name !== Symbol.iterator && name !== Symbol.asyncIterator);
  return new Proxy(
    {},
    {
      get: (target, name) => (isHarmless(name) ? Reflect.get(target, name) : fail(member, instead)),
      set: () => fail(member, instead),
      // The object is one for all: nothing must be kept in it.
      defineProperty: () => fail(member, instead),
      deleteProperty: () => fail(member, instead),
    },
  );
}
