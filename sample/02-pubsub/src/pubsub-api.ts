/** A published message. */
export interface Publication {
  topic: string;
  text: string;
  /** Time of publication, in ISO 8601. */
  at: string;
}

/** The contract of the broker. */
export interface PubSubApi {
  requests: {
    subscribe: [{ topic: string }, void];
    unsubscribe: [{ topic: string }, void];
    /** The reply contains the number of subscribers. */
    publish: [{ topic: string; text: string }, { receivers: number }];
  };
  serverSignals: { published: Publication };
}
