// docs/client.md
declare function toast(text: string): void;

// block 9
