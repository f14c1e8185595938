import type { Payload } from '../protocol/index.js';
import type { ReceivedPayload } from './received-payload.js';

/**
 * Types of the requests, streams and signals of a server, for `WebwireClient<Api>`. All members are optional. It exists at compile time
 * only: received data is not checked.
 *
 * @example
 * interface Api {
 *   requests: { auth: [body: string, reply: void]; rooms: [body: void, reply: Room[]] };
 *   streams: { ticks: [body: string[], item: Tick] };
 *   signals: { typing: { room: string } };
 *   serverSignals: { message: ChatMessage };
 * }
 */
export interface Contract {
  /** Requests by name: types of body and reply. */
  requests?: object | undefined;
  /** Streams by name: types of body and item. */
  streams?: object | undefined;
  /** Signals of the client by name: type of the body. */
  signals?: object | undefined;
  /** Signals of the server by name: type of the body. */
  serverSignals?: object | undefined;
}

/** The default contract: any name, any body. */
export interface AnyContract {
  requests: Record<string, [body: unknown, reply: unknown]>;
  streams: Record<string, [body: unknown, item: unknown]>;
  signals: Record<string, unknown>;
  serverSignals: Record<string, unknown>;
}

type IsAny<Type> = 0 extends 1 & Type ? true : false;

type Given<Names> = [Names] extends [never] ? object : Names;

/** One member of a contract: no names if it is missing, optional or `undefined`; all names for `any`. */
type Part<Api, Name extends keyof Contract> =
  IsAny<Api> extends true ? AnyContract[Name] : Name extends keyof Api ? Given<NonNullable<Api[Name]>> : object;

/** The names of the requests of a contract. */
export type RequestName<Api> = keyof Part<Api, 'requests'> & string;
/** The names of the streams of a contract. */
export type StreamName<Api> = keyof Part<Api, 'streams'> & string;
/** The names of the signals that the client sends. */
export type SignalName<Api> = keyof Part<Api, 'signals'> & string;
/** The names of the signals that the server sends. */
export type ServerSignalName<Api> = keyof Part<Api, 'serverSignals'> & string;

type BodyOf<Names, Name> = Name extends keyof Names ? Names[Name] : never;
type FirstOf<Pair> = Pair extends infer Types extends readonly [unknown?, unknown?] ? Types[0] : never;
type SecondOf<Pair> = Pair extends infer Types extends readonly [unknown?, unknown?] ? Types[1] : unknown;

/** The reply to a request. */
export type Reply<Api, Name> = ReceivedPayload<SecondOf<BodyOf<Part<Api, 'requests'>, Name>>>;

/** An item of a stream. */
export type StreamItem<Api, Name> = ReceivedPayload<SecondOf<BodyOf<Part<Api, 'streams'>, Name>>>;

/** The payload of a signal of the server. */
export type SignalPayload<Api, Name> = ReceivedPayload<BodyOf<Part<Api, 'serverSignals'>, Name>>;

/** Any body may be passed as a `Payload`, which includes the encoding. If the body may be `undefined`, it may be omitted. */
type Arguments<Body, Options> = undefined extends Body
  ? [body?: Body | Payload | null, options?: Options]
  : [Body] extends [void]
    ? [body?: Body | Payload | null, options?: Options]
    : [body: Body | Payload, options?: Options];

/** The arguments of `request()` after the name. */
export type RequestArguments<Api, Name, Options> = Arguments<FirstOf<BodyOf<Part<Api, 'requests'>, Name>>, Options>;
/** The arguments of `stream()` after the name. */
export type StreamArguments<Api, Name, Options> = Arguments<FirstOf<BodyOf<Part<Api, 'streams'>, Name>>, Options>;
/** The arguments of `signal()` after the name. */
export type SignalArguments<Api, Name, Options> = Arguments<BodyOf<Part<Api, 'signals'>, Name>, Options>;
