// docs/contracts.md
// block 1
