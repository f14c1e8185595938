// docs/getting-started.md
// Alone: it prints after its last line has run.
import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { serve } from './serve.js';

@WebwireGateway()
class GreeterGateway {
  @WebwireRequest('greet') greet(@MessageBody() name: string) {
    void app.close(); // after the reply
    return `Hello ${name}!`;
  }
}

const app = await serve({ providers: [GreeterGateway] });

// block 3

// Prints:
// {
//   type: 23,
//   majorVersion: 2,
//   minorVersion: 0,
//   readTimeout: 60000,
//   messageBufferSize: 8192,
//   subProtocolName: ''
// }
// {
//   type: 192,
//   id: Uint8Array(8) [
//     0, 0, 0, 0,
//     0, 0, 0, 0
//   ],
//   payload: Uint8Array(10) [
//      72, 101, 108, 108,
//     111,  32,  65, 100,
//      97,  33
//   ]
// }
