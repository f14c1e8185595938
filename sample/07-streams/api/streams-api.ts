/** The body of the stream `write`. */
export interface Prompt {
  /** The text begins with it. */
  prompt: string;
  /** Number of words to write. */
  words: number;
}

/** A price of the market. */
export interface Price {
  /** Counts the prices of the market from 1. */
  number: number;
  value: number;
}

/** The work of the server, for all its clients together. */
export interface Activity {
  /** Generators of text that run. */
  writers: number;
  /** Words that they have made. */
  words: number;
  /** Prices that the market has made. */
  prices: number;
  /** Prices that clients have taken. */
  taken: number;
  /** Searches that the archive runs. */
  searches: number;
}

/** The contract of the server. */
export interface StreamsApi {
  requests: {
    /** Searches the archive, which takes half a second for each word of the text. */
    search: [{ text: string }, string[]];
  };
  streams: {
    /** A text, word by word. */
    write: [Prompt, string];
    /** The newest price, whenever the client is ready for another one. */
    prices: [void, Price];
    /** Five times a second. */
    activity: [void, Activity];
  };
}
