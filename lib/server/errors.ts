export { BufferOverflowError, RequestError } from '../protocol/errors.js';
