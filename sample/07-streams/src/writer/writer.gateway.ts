import { Logger } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireMessage, WebwireStream, type Message } from 'nestjs-webwire';
import { ActivityService } from '../activity/activity.service.js';
import { LanguageModel } from './language-model.js';
import { PromptDto } from './prompt.dto.js';

@WebwireGateway()
export class WriterGateway {
  private readonly logger = new Logger('Writer');

  constructor(
    private readonly model: LanguageModel,
    private readonly activity: ActivityService,
  ) {}

  /**
   * The `finally` block runs when the text is complete, when the client gives the stream up, when its connection is lost, and
   * when the server shuts down. The model gets the signal, so that it does not wait for its next word in the last three cases.
   */
  @WebwireStream('write')
  async *write(
    @MessageBody() { prompt, words }: PromptDto,
    @WebwireMessage() { abortSignal }: Message,
  ): AsyncGenerator<string> {
    let written = 0;
    this.activity.writers++;
    try {
      for await (const word of this.model.generate(prompt, words, abortSignal)) {
        written++;
        this.activity.words++;
        yield word;
      }
    } finally {
      this.activity.writers--;
      this.logger.log(
        abortSignal.aborted ? `Stopped after ${written} of ${words} words` : `Wrote all of ${words} words`,
      );
    }
  }
}
