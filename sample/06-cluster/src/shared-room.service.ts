import { Injectable } from '@nestjs/common';
import { WebwireService, type WebwireConnection } from 'nestjs-webwire';
import type { Person } from '../../03-chatroom/api/chat-api.js';
import { RoomService } from '../../03-chatroom/src/chat/room.service.js';

/** Longest time for the end of a session to arrive from another node, in ms. */
const DELAY = 100;

/** The room on all nodes. Groups, signals to them and their members are shared by themselves; this adds only the waiting. */
@Injectable()
export class SharedRoomService extends RoomService {
  constructor(private readonly service: WebwireService) {
    super(service);
  }

  override onModuleInit(): void {
    super.onModuleInit();
    // Somebody has signed out on another node, which ends their session on this one, too.
    this.service.on('left', ({ info }) => {
      if (info === null) setTimeout(() => this.update(), DELAY).unref();
    });
  }

  /** Resolves when the connection receives the messages of other nodes. The history that is read after that has no gaps. */
  override async enter(connection: WebwireConnection, person: Person): Promise<void> {
    void super.enter(connection, person);
    await this.service.synchronized();
  }
}
