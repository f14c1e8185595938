export { WebwireHealthIndicator } from './webwire-health-indicator.js';
