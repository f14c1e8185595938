import { Injectable } from '@nestjs/common';
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Lifetime of a ticket, in ms. Tests set a shorter one. */
const LIFETIME = Number(process.env.TICKET_LIFETIME ?? 45_000);

/** Issues signed tickets that expire, and stores none of them. They stand for the access tokens of a real application. */
@Injectable()
export class TicketService {
  /** A restart makes all tickets invalid: clients ask for another one before each attempt to connect. */
  readonly #secret = randomBytes(32);

  /** @returns `<time of expiry in ms since 1970>.<signature>` */
  issue(): string {
    const expiresAt = String(Date.now() + LIFETIME);
    return `${expiresAt}.${this.#sign(expiresAt).toString('base64url')}`;
  }

  /** @returns The time of expiry in ms since 1970; `undefined` for a ticket that is invalid or has expired. */
  verify(ticket: string): number | undefined {
    const [expiresAt = '', signature = ''] = ticket.split('.');
    const given = Buffer.from(signature, 'base64url');
    const expected = this.#sign(expiresAt);
    const isSigned = given.length === expected.length && timingSafeEqual(given, expected);
    return isSigned && Number(expiresAt) > Date.now() ? Number(expiresAt) : undefined;
  }

  #sign(expiresAt: string): Buffer {
    return createHmac('sha256', this.#secret).update(expiresAt).digest();
  }
}
