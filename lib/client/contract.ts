import type { Payload } from '../protocol/index.js';
import type { ReceivedPayload } from './received-payload.js';

/**
 * The requests and signals of a server, for `WebwireClient<Api>`; each part may be left out. It exists at compile time only:
 * nothing that arrives is checked.
 *
 * @example
 * interface Api {
 *   requests: { auth: [body: string, reply: void]; rooms: [body: void, reply: Room[]] };
 *   signals: { typing: { room: string } };
 *   serverSignals: { message: ChatMessage };
 * }
 */
export interface Contract {
  /** By name: body and reply. */
  requests?: object | undefined;
  /** Signals of the client, by name: the body. */
  signals?: object | undefined;
  /** Signals of the server, by name: the body. */
  serverSignals?: object | undefined;
}

/** The contract of a client that was given none: any name, any body. */
export interface AnyContract {
  requests: Record<string, [body: unknown, reply: unknown]>;
  signals: Record<string, unknown>;
  serverSignals: Record<string, unknown>;
}

type IsAny<Type> = 0 extends 1 & Type ? true : false;

type Given<Names> = [Names] extends [never] ? object : Names;

/** A part may be missing, optional or `undefined`: then it has no names. `any` has all. */
type Part<Api, Name extends keyof Contract> =
  IsAny<Api> extends true ? AnyContract[Name] : Name extends keyof Api ? Given<NonNullable<Api[Name]>> : object;

export type RequestName<Api> = keyof Part<Api, 'requests'> & string;
export type SignalName<Api> = keyof Part<Api, 'signals'> & string;
export type ServerSignalName<Api> = keyof Part<Api, 'serverSignals'> & string;

type BodyOf<Names, Name> = Name extends keyof Names ? Names[Name] : never;
type Pair<Api, Name> = BodyOf<Part<Api, 'requests'>, Name>;
type RequestBody<Api, Name> =
  Pair<Api, Name> extends infer Types extends readonly [unknown?, unknown?] ? Types[0] : never;

/** The reply to a request. */
export type Reply<Api, Name> = ReceivedPayload<
  Pair<Api, Name> extends infer Types extends readonly [unknown?, unknown?] ? Types[1] : unknown
>;

/** The payload of a signal of the server. */
export type SignalPayload<Api, Name> = ReceivedPayload<BodyOf<Part<Api, 'serverSignals'>, Name>>;

/** A `Payload` stands for any body: it says how it is encoded. Where there need not be a body, it may be left out. */
type Arguments<Body, Options> = undefined extends Body
  ? [body?: Body | Payload | null, options?: Options]
  : [Body] extends [void]
    ? [body?: Body | Payload | null, options?: Options]
    : [body: Body | Payload, options?: Options];

export type RequestArguments<Api, Name, Options> = Arguments<RequestBody<Api, Name>, Options>;
export type SignalArguments<Api, Name, Options> = Arguments<BodyOf<Part<Api, 'signals'>, Name>, Options>;
