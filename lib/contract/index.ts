export { ContractError } from './contract-error.js';
export {
  defineContract,
  type ApiOf,
  type ClientContract,
  type ContractApi,
  type DefinedContract,
} from './define-contract.js';
export type {
  BodyInput,
  BodyOutput,
  ContractEntry,
  EntryDetails,
  EntryErrors,
  ErrorCode,
  HandlerEntry,
  RequestEntries,
  RequestEntry,
  RequestSpec,
  ResultInput,
  ResultOutput,
  SendArguments,
  ServerSignalEntries,
  ServerSignalEntry,
  SignalEntries,
  SignalEntry,
  SignalSpec,
  StreamEntries,
  StreamEntry,
  StreamSpec,
} from './entries.js';
export type {
  OptionalSchema,
  SchemaInput,
  SchemaIssue,
  SchemaOutput,
  SchemaResult,
  StandardSchema,
} from './standard-schema.js';
