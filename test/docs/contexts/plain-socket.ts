// docs/getting-started.md
// block 3
