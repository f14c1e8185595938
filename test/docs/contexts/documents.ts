// docs/documents.md
declare class AppModule {}

// block 1
