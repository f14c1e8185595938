export { activeTraceContext } from './client-trace.js';
export { WebwireInstrumentation, type WebwireInstrumentationConfig } from './webwire-instrumentation.js';
