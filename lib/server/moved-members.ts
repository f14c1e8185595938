/** Members that gateways for ws or socket.io use, each with its replacement, which completes "use …". */
export interface MovedMembers {
  /** Methods. Calling one throws. */
  readonly methods: Readonly<Record<string, string>>;
  /** Properties with an object. Reading or replacing the property works; using the object throws. */
  readonly objects: Readonly<Record<string, string>>;
  /** Properties for a callback. Reading one gives `undefined`; setting one throws. */
  readonly callbacks: Readonly<Record<string, string>>;
}

/**
 * Adds members of other WebSocket libraries to a class, so that a gateway that was written for one of them gets an error
 * with the replacement. The members are not enumerable, and reading one never throws, so that inspection, JSON and code that
 * detects other libraries by their members work: Nest's own exception filter reads `readyState`, for instance.
 *
 * @param owner Name of the instances in errors, such as `connection`.
 */
export function addMovedMembers(prototype: object, owner: string, members: MovedMembers): void {
  const { methods, objects, callbacks } = members;
  for (const [name, instead] of Object.entries(methods)) {
    const value = (): never => throwMoved(`${owner}.${name}()`, instead);
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  }
  for (const [name, instead] of Object.entries(objects)) {
    const standIn = standInFor(`${owner}.${name}`, instead);
    defineAccessors(prototype, name, () => standIn, replaceProperty(name));
  }
  for (const [name, instead] of Object.entries(callbacks)) {
    defineAccessors(
      prototype,
      name,
      () => undefined,
      () => throwMoved(`${owner}.${name}`, instead),
    );
  }
}

/**
 * Adds a property with an object that has some members of the object in another library, because libraries read them. Using any
 * other member throws.
 *
 * @param known Returns these members for an instance.
 */
export function addPartialObject<Owner extends object>(
  prototype: Owner,
  owner: string,
  name: string,
  instead: string,
  known: (instance: Owner) => Readonly<Record<string, unknown>>,
): void {
  const get = function (this: Owner) {
    return standInFor(`${owner}.${name}`, instead, known(this));
  };
  defineAccessors(prototype, name, get, replaceProperty(name));
}

/** @throws TypeError */
export function throwMoved(member: string, instead: string): never {
  throw new TypeError(`WebWire has no ${member}: use ${instead}`);
}

function defineAccessors(
  prototype: object,
  name: string,
  get: (this: never) => unknown,
  set: (value: unknown) => void,
): void {
  Object.defineProperty(prototype, name, { get, set, configurable: true });
}

/** Lets an application set a property of that name on an instance. */
function replaceProperty(name: string): (this: object, value: unknown) => void {
  return function (this: object, value: unknown) {
    Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
  };
}

/** Promises, JSON and assertion libraries read these on any object. */
const READ_ON_ANY_OBJECT = new Set<string | symbol>([
  'then',
  'toJSON',
  'constructor',
  'asymmetricMatch',
  'nodeType',
  'tagName',
]);

function standInFor(member: string, instead: string, known: Readonly<Record<string, unknown>> = {}): object {
  const isAllowed = (name: string | symbol) =>
    READ_ON_ANY_OBJECT.has(name) ||
    (typeof name === 'symbol' && name !== Symbol.iterator && name !== Symbol.asyncIterator);
  return new Proxy(
    {},
    {
      get: (target, name) => {
        if (typeof name === 'string' && Object.hasOwn(known, name)) return known[name];
        return isAllowed(name) ? Reflect.get(target, name) : throwMoved(member, instead);
      },
      set: () => throwMoved(member, instead),
      // All connections share the object, so nothing may be stored in it.
      defineProperty: () => throwMoved(member, instead),
      deleteProperty: () => throwMoved(member, instead),
    },
  );
}
