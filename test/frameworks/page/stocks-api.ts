export interface Company {
  symbol: string;
  name: string;
}

export interface Tick {
  symbol: string;
  price: number;
}

/** The contract of the server. */
export interface StocksApi {
  requests: {
    company: [body: { symbol: string }, reply: Company];
    rename: [body: Company, reply: void];
  };
  streams: { ticks: [body: { symbol: string }, item: Tick] };
  serverSignals: { news: string; companyChanged: { symbol: string } };
}
