// docs/cluster.md
declare const url: string;
declare const key: string;
declare const file: string;
declare const connectionId: string;
declare const article: { title: string };

// block 3
