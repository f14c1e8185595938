// docs/react.md
declare function toast(text: string): void;

// block 1
