// docs/platforms.md
// block 2
