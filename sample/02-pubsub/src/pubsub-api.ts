/** A message on a topic, as subscribers get it. */
export interface Publication {
  topic: string;
  text: string;
  /** When it was published, as an ISO 8601 date. */
  at: string;
}

/** What the broker takes and tells: the contract of its clients. */
export interface PubSubApi {
  requests: {
    subscribe: [{ topic: string }, void];
    unsubscribe: [{ topic: string }, void];
    /** The reply: how many subscribers it went to. */
    publish: [{ topic: string; text: string }, { receivers: number }];
  };
  serverSignals: { published: Publication };
}
