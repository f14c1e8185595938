import { InvalidOptionError, WsTransport, type WsTransportOptions } from 'nestjs-webwire';
import { expect, it } from 'vitest';

it.each([
  [{ perMessageDeflate: 'yes' }, "WebWire option perMessageDeflate is 'yes', but must be a boolean or { threshold }"],
  [
    { perMessageDeflate: { threshold: -1 } },
    'WebWire option perMessageDeflate.threshold is -1, but must be an integer from 0 to 9007199254740991 (bytes)',
  ],
  [{ perMessageDeflate: { level: 9 } }, 'WebWire has no option perMessageDeflate.level; there are: threshold'],
  [{ permessageDeflate: true }, 'WebWire has no option permessageDeflate; there are: perMessageDeflate'],
  [[], 'WebWire option object is [], but must be an object of options'],
])('refuses options that cannot be used: %o', (options, message) => {
  expect(() => new WsTransport(options as WsTransportOptions)).toThrow(new InvalidOptionError(message));
});
