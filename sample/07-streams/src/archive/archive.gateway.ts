import { MessageBody } from '@nestjs/websockets';
import { RequestError, WebwireGateway, WebwireMessage, WebwireRequest, type Message } from 'nestjs-webwire';
import { QueryDto } from './query.dto.js';
import { SlowArchive } from './slow-archive.js';

@WebwireGateway()
export class ArchiveGateway {
  constructor(private readonly archive: SlowArchive) {}

  /**
   * The signal is aborted when the client aborts the request or no longer waits for it, or its connection is lost. It ends the
   * request to the archive, too. Most database drivers take such a signal as well.
   */
  @WebwireRequest('search')
  async search(@MessageBody() { text }: QueryDto, @WebwireMessage() { abortSignal }: Message): Promise<string[]> {
    const response = await fetch(this.archive.urlOf(text), { signal: abortSignal });
    if (!response.ok) throw new RequestError('ARCHIVE_FAILED', `the archive answers ${response.status}`);
    return (await response.json()) as string[];
  }
}
