import { MessageBody } from '@nestjs/websockets';
import { type as arktype } from 'arktype';
import { WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { ContractError, defineContract, type ApiOf } from 'nestjs-webwire/contract';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { failure, startApp } from './contract-app.js';

interface Draft {
  text: string;
  tags: string[];
}

const WithZod = z.object({ text: z.string().trim().min(1), tags: z.array(z.string()).default([]) });
const WithValibot = v.object({
  text: v.pipe(v.string(), v.trim(), v.minLength(1)),
  tags: v.optional(v.array(v.string()), []),
});
const WithArktype = arktype({
  text: 'string.trim |> string > 0',
  tags: arktype('string[]').default(() => []),
  '+': 'delete',
});

// One contract for each library. The handlers are the same.
const zod = defineContract({ requests: { say: { body: WithZod, reply: WithZod } } });
const valibot = defineContract({ requests: { say: { body: WithValibot, reply: WithValibot } } });
const arktypes = defineContract({ requests: { say: { body: WithArktype, reply: WithArktype } } });

const answer = (body: Draft) => (body.text === 'broken' ? ({ text: 5 } as never) : { ...body, secret: true });

@WebwireGateway()
class Zod {
  @WebwireRequest(zod.requests.say) say(@MessageBody() body: Draft): Draft {
    return answer(body);
  }
}
@WebwireGateway()
class Valibot {
  @WebwireRequest(valibot.requests.say) say(@MessageBody() body: Draft): Draft {
    return answer(body);
  }
}
@WebwireGateway()
class Arktype {
  @WebwireRequest(arktypes.requests.say) say(@MessageBody() body: Draft): Draft {
    return answer(body);
  }
}

describe.each([
  ['zod', Zod, zod],
  ['valibot', Valibot, valibot],
  ['arktype', Arktype, arktypes],
] as const)('schemas of %s', (_name, gateway, contract) => {
  const start = async () => {
    const { connect, app } = await startApp([gateway]);
    return { logger: app.logger, client: await connect<ApiOf<typeof zod>>({ contract }) };
  };

  it('transform bodies, and strip replies', async () => {
    const { client } = await start();
    expect((await client.request('say', { text: '  hi ' })).body).toEqual({ text: 'hi', tags: [] });
  });

  it('refuse bodies with a path', async () => {
    const { client } = await start();
    const refusal = await failure(client.request('say', { text: 'hi', tags: ['a', 5 as never] }));
    expect(refusal).toMatch(/^BAD_REQUEST: tags\[1\]: .*string/);
  });

  it('keep the values of wrong replies out of the log', async () => {
    const { client, logger } = await start();
    expect(await failure(client.request('say', { text: 'broken' }))).toBe(
      'INTERNAL_SERVER_ERROR: internal server error',
    );
    await logger.logged('error', '.say does not fit the contract: issues at "text"');
  });

  it('check replies of a server without a contract', async () => {
    @WebwireGateway()
    class Wrong {
      @WebwireRequest('say') say() {
        return { text: 5 };
      }
    }
    const { connect } = await startApp([Wrong]);
    const client = await connect<ApiOf<typeof zod>>({ contract });
    const error = await client.request('say', { text: 'hi' }).catch((reason: unknown) => reason as ContractError);
    expect(error).toBeInstanceOf(ContractError);
    expect((error as ContractError).message).toMatch(/^the reply to "say" does not fit the contract: text: .*string/);
  });
});
