export const MEALS = ['Pizza', 'Curry', 'Ramen', 'Salad'] as const;
export type Meal = (typeof MEALS)[number];

export const CHEERS = ['Hooray!', 'Yummy!', 'Hungry!', 'Hurry!'] as const;
export type Cheer = (typeof CHEERS)[number];

export interface Results {
  votes: Record<Meal, number>;
  /** Number of open pages. */
  pages: number;
}

/** The contract of the server. */
export interface PollApi {
  requests: {
    /** Replaces the last vote of the page. A vote counts until the connection of its page ends. */
    vote: [body: Meal, reply: void];
  };
  streams: {
    /** The results, and each change of them. */
    results: [body: void, item: Results];
  };
  signals: { cheer: Cheer };
  /** The server sends the cheer of one page to all pages. */
  serverSignals: { cheer: Cheer };
}
