// docs/testing.md
import { WebwireMessage, WebwireRequest, type Message } from 'nestjs-webwire';

class Gateway {
  // block 2
}
